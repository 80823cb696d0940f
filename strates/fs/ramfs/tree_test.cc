#include "strates/fs/ramfs/tree.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace astrata::ramfs {
namespace {

using abi::NodeKind;

class VectorContents final : public Contents {
public:
    explicit VectorContents(int& alive) : alive_(alive) { ++alive_; }
    ~VectorContents() override { --alive_; }
    Result<std::uint64_t> size() override { return bytes.size(); }
    Result<> set_size(std::uint64_t size) override {
        if (size > 1 << 20)
            return fail(Error::no_memory);
        bytes.resize(size);
        return {};
    }
    Result<std::uint64_t> write(std::uint64_t offset, Bytes source) override {
        if (bytes.size() < offset + source.size())
            TRY(set_size(offset + source.size()));
        std::ranges::copy(source, std::span(bytes).subspan(offset).begin());
        return source.size();
    }
    std::vector<std::byte> bytes;

private:
    int& alive_;
};

class VectorSource final : public ContentsSource {
public:
    int alive = 0;
    Result<std::unique_ptr<Contents>> create_empty() override { return std::make_unique<VectorContents>(alive); }
};

class RamfsTree : public testing::Test {
protected:
    std::uint64_t directory(std::uint64_t parent, std::string_view name) {
        return tree->create(parent, name, {.kind = NodeKind::directory, .mode = 0755}, 10)->node;
    }
    std::uint64_t file(std::uint64_t parent, std::string_view name) {
        return tree->create(parent, name, {.mode = 0644}, 10)->node;
    }
    Error rename_error(std::uint64_t from, std::string_view name, std::uint64_t to, std::string_view new_name) {
        return tree->rename(from, name, to, new_name, 20).error();
    }
    std::vector<std::string> list(std::uint64_t directory, std::size_t buffer_bytes = 4000) {
        std::vector<std::string> names;
        std::uint64_t cursor = 0;
        for (;;) {
            std::vector<std::byte> buffer(buffer_bytes);
            auto const used = tree->read_directory(directory, cursor, buffer).value();
            if (used == 0)
                return names;
            ByteReader reader(std::span(buffer).first(used));
            while (reader.remaining() != 0) {
                (void)reader.read<std::uint64_t>();
                cursor = reader.read<std::uint64_t>().value();
                (void)reader.read<std::uint8_t>();
                auto const length = reader.read<std::uint8_t>().value();
                names.emplace_back(as_text(reader.take(length).value()));
            }
        }
    }

    VectorSource source;
    std::unique_ptr<Tree> tree = Tree::create(source, 1).value();
    static constexpr auto root = Tree::root;
};

TEST_F(RamfsTree, names_are_found_and_checked) {
    auto const etc = directory(root, "etc");
    auto const passwd = file(etc, "passwd");
    EXPECT_EQ(tree->lookup(etc, "passwd")->node, passwd);
    EXPECT_EQ(tree->lookup(etc, ".")->node, etc);
    EXPECT_EQ(tree->lookup(etc, "..")->node, root);
    EXPECT_EQ(tree->lookup(root, "..")->node, root);
    EXPECT_EQ(tree->lookup(etc, "shadow").error(), Error::not_found);
    EXPECT_EQ(tree->lookup(passwd, "x").error(), Error::not_a_directory);
    EXPECT_EQ(tree->lookup(999, "x").error(), Error::not_found);
    EXPECT_EQ(tree->lookup(etc, std::string(256, 'x')).error(), Error::name_too_long);
    EXPECT_EQ(tree->create(etc, "a/b", {}, 1).error(), Error::invalid_argument);
    EXPECT_EQ(tree->create(etc, "", {}, 1).error(), Error::invalid_argument);
    EXPECT_EQ(tree->create(etc, "..", {}, 1).error(), Error::already_exists);
    EXPECT_EQ(tree->create(etc, "passwd", {}, 1).error(), Error::already_exists);
    EXPECT_TRUE(tree->create(etc, std::string(255, 'x'), {}, 1));
}

TEST_F(RamfsTree, attributes_are_kept) {
    auto const made = tree->create(root, "tty", {NodeKind::character_device, 020666, 1, 5, 0x501}, 77).value();
    EXPECT_EQ(made.mode, 0666u);
    EXPECT_EQ(made.gid, 5u);
    EXPECT_EQ(made.device, 0x501u);
    EXPECT_EQ(made.modified_ns, 77);
    using enum abi::AttributeMask;
    ASSERT_TRUE(tree->set_attributes(made.node, mode | uid | modified,
                                     {.mode = 04711, .uid = 9, .gid = 9, .modified_ns = 5}, 80));
    auto const now = tree->attributes(made.node).value();
    EXPECT_EQ(now.mode, 04711u);
    EXPECT_EQ(now.uid, 9u);
    EXPECT_EQ(now.gid, 5u);
    EXPECT_EQ(now.modified_ns, 5);
    EXPECT_EQ(now.changed_ns, 80);
    EXPECT_EQ(tree->set_attributes(made.node, size, {.size = 1}, 1).error(), Error::invalid_argument);
    EXPECT_EQ(tree->set_attributes(root, size, {.size = 1}, 1).error(), Error::is_a_directory);
}

TEST_F(RamfsTree, contents_grow_and_shrink) {
    auto const node = file(root, "f");
    EXPECT_EQ(tree->write(node, 5000, as_bytes("hello"), 30), 5u);
    EXPECT_EQ(tree->attributes(node)->size, 5005u);
    EXPECT_EQ(tree->attributes(node)->blocks_512, 16u);
    EXPECT_EQ(tree->attributes(node)->modified_ns, 30);
    ASSERT_TRUE(tree->set_attributes(node, abi::AttributeMask::size, {.size = 3}, 31));
    EXPECT_EQ(tree->attributes(node)->size, 3u);
    EXPECT_EQ(tree->set_attributes(node, abi::AttributeMask::size, {.size = 1ull << 40}, 31).error(), Error::no_memory);
    EXPECT_EQ(tree->write(node, ~0ull, as_bytes("x"), 1).error(), Error::out_of_range);
    EXPECT_EQ(tree->write(root, 0, as_bytes("x"), 1).error(), Error::is_a_directory);
    EXPECT_TRUE(tree->open(node));
    EXPECT_EQ(tree->open(root).error(), Error::is_a_directory);
}

TEST_F(RamfsTree, symbolic_links_hold_their_target) {
    auto const made = tree->create_link(root, "sh", "/bin/busybox", {}, 1).value();
    EXPECT_EQ(tree->read_link(made.node), "/bin/busybox");
    EXPECT_EQ(made.size, 12u);
    EXPECT_EQ(made.kind, NodeKind::symbolic_link);
    EXPECT_EQ(tree->read_link(root).error(), Error::invalid_argument);
    EXPECT_EQ(tree->create_link(root, "x", "", {}, 1).error(), Error::invalid_argument);
    EXPECT_EQ(tree->create_link(root, "x", std::string(3901, 'x'), {}, 1).error(), Error::name_too_long);
}

TEST_F(RamfsTree, hard_links_share_a_node) {
    auto const node = file(root, "a");
    ASSERT_TRUE(tree->link(node, root, "b", 40));
    EXPECT_EQ(tree->lookup(root, "b")->node, node);
    EXPECT_EQ(tree->attributes(node)->links, 2u);
    EXPECT_EQ(tree->link(node, root, "a", 1).error(), Error::already_exists);
    EXPECT_EQ(tree->link(root, root, "c", 1).error(), Error::is_a_directory);
    ASSERT_TRUE(tree->remove(root, "a", false, 41));
    EXPECT_EQ(tree->attributes(node)->links, 1u);
    ASSERT_TRUE(tree->remove(root, "b", false, 41));
    EXPECT_EQ(tree->attributes(node).error(), Error::not_found);
    EXPECT_EQ(source.alive, 0);
}

TEST_F(RamfsTree, removal_has_its_rules) {
    auto const inner = directory(root, "d");
    file(inner, "f");
    EXPECT_EQ(tree->remove(root, "d", true, 1).error(), Error::not_empty);
    EXPECT_EQ(tree->remove(root, "d", false, 1).error(), Error::is_a_directory);
    EXPECT_EQ(tree->remove(inner, "f", true, 1).error(), Error::not_a_directory);
    EXPECT_EQ(tree->remove(inner, ".", true, 1).error(), Error::invalid_argument);
    EXPECT_EQ(tree->remove(inner, "..", true, 1).error(), Error::not_empty);
    EXPECT_EQ(tree->remove(inner, "g", false, 1).error(), Error::not_found);
    EXPECT_EQ(tree->attributes(root)->links, 3u);
    ASSERT_TRUE(tree->remove(inner, "f", false, 1));
    ASSERT_TRUE(tree->remove(root, "d", true, 1));
    EXPECT_EQ(tree->attributes(root)->links, 2u);
    EXPECT_EQ(tree->create(inner, "late", {}, 1).error(), Error::not_found);
}

TEST_F(RamfsTree, an_open_file_without_a_name_keeps_its_attributes_for_a_while) {
    auto const node = file(root, "t");
    ASSERT_TRUE(tree->write(node, 0, as_bytes("abc"), 1));
    ASSERT_TRUE(tree->open(node));
    ASSERT_TRUE(tree->remove(root, "t", false, 50));
    EXPECT_EQ(tree->attributes(node)->links, 0u);
    EXPECT_EQ(tree->attributes(node)->size, 3u);
    EXPECT_EQ(source.alive, 0);
    EXPECT_EQ(tree->open(node).error(), Error::not_found);
    EXPECT_EQ(tree->link(node, root, "again", 1).error(), Error::not_found);
    for (std::size_t index = 0; index < Tree::orphan_limit; ++index) {
        auto const other = file(root, "t");
        ASSERT_TRUE(tree->open(other));
        ASSERT_TRUE(tree->remove(root, "t", false, 51));
    }
    EXPECT_EQ(tree->attributes(node).error(), Error::not_found);
    EXPECT_EQ(tree->node_count(), 1 + Tree::orphan_limit);
}

TEST_F(RamfsTree, rename_follows_posix) {
    auto const a = directory(root, "a");
    auto const b = directory(root, "b");
    auto const inside = directory(a, "inside");
    auto const f = file(a, "f");
    auto const g = file(b, "g");
    // Moving a directory moves its ..
    ASSERT_TRUE(tree->rename(a, "inside", b, "moved", 20));
    EXPECT_EQ(tree->lookup(inside, "..")->node, b);
    EXPECT_EQ(tree->attributes(a)->links, 2u);
    EXPECT_EQ(tree->attributes(b)->links, 3u);
    // Not into itself.
    EXPECT_EQ(rename_error(root, "b", inside, "x"), Error::invalid_argument);
    EXPECT_EQ(rename_error(root, "b", b, "x"), Error::invalid_argument);
    // Kinds must agree, directories must be empty.
    EXPECT_EQ(rename_error(a, "f", root, "b"), Error::is_a_directory);
    EXPECT_EQ(rename_error(root, "a", b, "g"), Error::not_a_directory);
    EXPECT_EQ(rename_error(root, "a", root, "b"), Error::not_empty);
    EXPECT_EQ(rename_error(a, "none", b, "x"), Error::not_found);
    EXPECT_EQ(rename_error(a, ".", b, "x"), Error::invalid_argument);
    EXPECT_EQ(rename_error(a, "f", b, ".."), Error::invalid_argument);
    // A file replaces a file.
    ASSERT_TRUE(tree->rename(a, "f", b, "g", 21));
    EXPECT_EQ(tree->lookup(b, "g")->node, f);
    EXPECT_EQ(tree->attributes(g).error(), Error::not_found);
    EXPECT_EQ(source.alive, 1);
    // Two names of one node: nothing happens.
    ASSERT_TRUE(tree->link(f, b, "h", 22));
    ASSERT_TRUE(tree->rename(b, "g", b, "h", 23));
    EXPECT_TRUE(tree->lookup(b, "g"));
    EXPECT_TRUE(tree->lookup(b, "h"));
    // An empty directory replaces an empty directory.
    auto const empty = directory(root, "empty");
    ASSERT_TRUE(tree->rename(root, "a", root, "empty", 24));
    EXPECT_EQ(tree->lookup(root, "empty")->node, a);
    EXPECT_EQ(tree->attributes(empty).error(), Error::not_found);
    EXPECT_EQ(tree->attributes(root)->links, 4u);
    // Onto its own name.
    ASSERT_TRUE(tree->rename(root, "b", root, "b", 25));
    EXPECT_EQ(tree->lookup(root, "b")->node, b);
}

TEST_F(RamfsTree, listings_survive_changes) {
    std::set<std::string> expected{".", ".."};
    for (int index = 0; index < 500; ++index) {
        file(root, "file" + std::to_string(index));
        expected.insert("file" + std::to_string(index));
    }
    auto const names = list(root, 300);
    EXPECT_EQ(names.size(), expected.size());
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), expected);
    // As rm -r does it: remove everything in a batch, then go on from the cursor.
    std::uint64_t cursor = 0;
    std::size_t removed = 0;
    for (;;) {
        std::vector<std::byte> buffer(300);
        auto const used = tree->read_directory(root, cursor, buffer).value();
        if (used == 0)
            break;
        ByteReader reader(std::span(buffer).first(used));
        while (reader.remaining() != 0) {
            (void)reader.read<std::uint64_t>();
            cursor = reader.read<std::uint64_t>().value();
            (void)reader.read<std::uint8_t>();
            auto const length = reader.read<std::uint8_t>().value();
            auto const name = as_text(reader.take(length).value());
            if (name != "." && name != "..") {
                ASSERT_TRUE(tree->remove(root, name, false, 1));
                ++removed;
            }
        }
    }
    EXPECT_EQ(removed, 500u);
    EXPECT_EQ(list(root), (std::vector<std::string>{".", ".."}));
    EXPECT_EQ(tree->read_directory(file(root, "f"), 0, {}).error(), Error::not_a_directory);
}

// Random operations against a model that maps paths to nothing but kinds; at the end both agree and nothing leaks.
TEST_F(RamfsTree, property_agrees_with_a_model) {
    std::mt19937 random(5);
    std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> model;  // (directory, name) -> node
    std::vector<std::uint64_t> directories{root};
    auto const any_directory = [&] { return directories[random() % directories.size()]; };
    auto const any_name = [&] { return std::string(1, static_cast<char>('a' + random() % 6)); };
    for (int step = 0; step < 20'000; ++step) {
        auto const from = any_directory();
        auto const name = any_name();
        auto const key = std::pair(from, name);
        switch (random() % 4) {
        case 0: {
            auto const kind = random() % 3 == 0 && directories.size() < 20 ? NodeKind::directory : NodeKind::file;
            auto const made = tree->create(from, name, {.kind = kind}, step);
            ASSERT_EQ(made.has_value(), !model.contains(key));
            if (made) {
                model[key] = made->node;
                if (kind == NodeKind::directory)
                    directories.push_back(made->node);
            }
            break;
        }
        case 1: {
            bool const expects_directory = random() % 2 == 0;
            if (tree->remove(from, name, expects_directory, step)) {
                ASSERT_TRUE(model.contains(key));
                std::erase(directories, model[key]);
                model.erase(key);
            }
            break;
        }
        case 2: {
            auto const to = std::pair(any_directory(), any_name());
            auto const before = model.contains(to) ? model[to] : 0;
            if (tree->rename(from, name, to.first, to.second, step)) {
                ASSERT_TRUE(model.contains(key));
                if (before != model[key]) {
                    std::erase(directories, before);
                    model[to] = model[key];
                    model.erase(key);
                }
            }
            break;
        }
        default: {
            auto const found = tree->lookup(from, name);
            ASSERT_EQ(found.has_value(), model.contains(key));
            if (found)
                ASSERT_EQ(found->node, model[key]);
        }
        }
    }
    EXPECT_EQ(tree->node_count(), model.size() + 1);
    tree.reset();
    EXPECT_EQ(source.alive, 0);
}

}  // namespace
}  // namespace astrata::ramfs
