#include "strates/fs/ramfs/population.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace astrata::ramfs {
namespace {

// A newc archive, entry by entry.
class ArchiveBuilder {
public:
    ArchiveBuilder& add(std::string_view name, std::uint32_t mode, std::string_view data = {}) {
        std::array<char, 120> header{};
        std::snprintf(header.data(), header.size(), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1u,
                      mode, 0u, 0u, 1u, 0u, static_cast<unsigned>(data.size()), 0u, 0u, 0u, 0u,
                      static_cast<unsigned>(name.size() + 1), 0u);
        bytes_ += std::string_view(header.data());
        bytes_ += name;
        bytes_ += '\0';
        pad();
        bytes_ += data;
        pad();
        return *this;
    }
    std::string finish() {
        add("TRAILER!!!", 0);
        return bytes_;
    }

private:
    void pad() { bytes_.resize((bytes_.size() + 3) / 4 * 4); }
    std::string bytes_;
};

class RangeContents final : public Contents {
public:
    RangeContents(std::uint64_t first, std::uint64_t length) : offset(first), length_(length) {}
    Result<std::uint64_t> size() override { return length_; }
    Result<> set_size(std::uint64_t) override { return fail(Error::not_supported); }
    Result<std::uint64_t> write(std::uint64_t, Bytes) override { return fail(Error::not_supported); }
    std::uint64_t offset;

private:
    std::uint64_t length_;
};

class RangeSource final : public ContentsSource, public ArchiveContentsSource {
public:
    Result<std::unique_ptr<Contents>> create_empty() override { return std::make_unique<RangeContents>(0, 0); }
    Result<std::unique_ptr<Contents>> from_archive(std::uint64_t offset, std::uint64_t size) override {
        return std::make_unique<RangeContents>(offset, size);
    }
};

TEST(Population, makes_what_the_archive_describes) {
    auto const archive = ArchiveBuilder()
                             .add("strates/ext4", 0100755, "not ours")
                             .add("rootless", 0100644, "not ours either")
                             .add("root", 040711)
                             .add("root/bin", 040755)
                             .add("root/bin/busybox", 0104755, "ELF...")
                             .add("root/bin/sh", 0120777, "busybox")
                             .add("root/deep/er/file", 0100600, "x")
                             .add("root/deep", 041777)
                             .add("root/dev/console", 020600)
                             .add("root/../escape", 0100644, "x")
                             .add("root/pipe", 010644)
                             .finish();
    RangeSource source;
    auto const tree = Tree::create(source, 1).value();
    auto const population = populate(*tree, as_bytes(archive), "root/", source, 5).value();
    EXPECT_EQ(population.entries, 7u);
    EXPECT_EQ(population.skipped, 2u);
    auto const root = Tree::root;
    EXPECT_EQ(tree->attributes(root)->mode, 0711u);
    auto const bin = tree->lookup(root, "bin")->node;
    auto const busybox = tree->lookup(bin, "busybox").value();
    EXPECT_EQ(busybox.mode, 04755u);
    EXPECT_EQ(busybox.size, 6u);
    auto const& contents = static_cast<RangeContents&>(*tree->open(busybox.node).value());
    EXPECT_EQ(archive.substr(contents.offset, 6), "ELF...");
    EXPECT_EQ(tree->read_link(tree->lookup(bin, "sh")->node), "busybox");
    auto const deep = tree->lookup(root, "deep").value();
    EXPECT_EQ(deep.mode, 01777u);
    EXPECT_TRUE(tree->lookup(tree->lookup(deep.node, "er")->node, "file"));
    EXPECT_EQ(tree->lookup(root, "pipe")->kind, abi::NodeKind::fifo);
    EXPECT_EQ(tree->lookup(root, "escape").error(), Error::not_found);
    EXPECT_EQ(tree->lookup(root, "strates").error(), Error::not_found);
}

TEST(Population, a_broken_archive_is_an_error) {
    RangeSource source;
    auto const tree = Tree::create(source, 1).value();
    EXPECT_EQ(populate(*tree, as_bytes("not an archive"), "root/", source, 5).error(), Error::corrupt);
    auto archive = ArchiveBuilder().add("root/file", 0100644, "text").finish();
    archive.resize(archive.size() - 8);
    EXPECT_EQ(populate(*tree, as_bytes(archive), "root/", source, 5).error(), Error::corrupt);
    EXPECT_TRUE(tree->lookup(Tree::root, "file"));
}

}  // namespace
}  // namespace astrata::ramfs
