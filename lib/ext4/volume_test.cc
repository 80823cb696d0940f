// Whole images made by mke2fs from a tree of files, compared with that tree in every respect.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "lib/ext4/image_testing.h"
#include "lib/ext4/volume.h"

namespace astrata::ext4 {
namespace {

using namespace testing;

struct Format {
    char const* name;
    char const* options;  // of mke2fs
};

std::ostream& operator<<(std::ostream& stream, Format const& format) {
    return stream << format.name;
}

// A tree with one of everything that an unprivileged user can make.
class SourceTree {
public:
    SourceTree() {
        fs::create_directories(path() / "nested/deeper/deepest");
        fs::create_directory(path() / "empty directory");
        write_file(path() / "empty", "");
        for (auto const size : {1, 59, 60, 61, 100, 150, 1023, 1024, 1025, 4095, 4096, 4097, 65535, 65536, 1'000'000})
            write_file(path() / ("size " + std::to_string(size)), noise(static_cast<std::size_t>(size), size));
        write_file(path() / "nested/deeper/deepest/file", "at the bottom\n");
        write_file(path() / std::string(255, 'n'), "long name");
        write_file(path() / "\xc3\xbcml\xc3\xa4ut \xf0\x9f\x90\xa7", "bytes above 127 in the name");
        make_sparse(path() / "sparse");
        for (auto const size : {1, 10, 58, 59, 60, 61, 100, 500, 1000, 1020})
            fs::create_symlink(std::string(static_cast<std::size_t>(size), 't'),
                               path() / ("link " + std::to_string(size)));
        fs::create_hard_link(path() / "size 100", path() / "nested/hard link");
        mkfifo((path() / "fifo").c_str(), 0640);
        chmod((path() / "size 1").c_str(), 04751);
        chmod((path() / "nested").c_str(), 01777);
        fs::create_directory(path() / "many");
        for (int index = 0; index < 700; ++index)
            write_file(path() / "many" / ("file number " + std::to_string(index)), std::to_string(index));
        std::vector<timeval> const times = {{.tv_sec = 1'000'000'000, .tv_usec = 0},
                                            {.tv_sec = 1'234'567'890, .tv_usec = 0}};
        utimes((path() / "size 60").c_str(), times.data());
    }

    [[nodiscard]] fs::path const& path() const { return folder_.path(); }

private:
    static void make_sparse(fs::path const& file) {
        std::ofstream stream(file, std::ios::binary);
        for (auto const offset : {0, 50'000, 70'000, 1'000'000, 3'000'000}) {
            stream.seekp(offset);
            stream << noise(5000, static_cast<std::uint64_t>(offset));
        }
    }

    TemporaryFolder folder_;
};

SourceTree const& source_tree() {
    static SourceTree const tree;
    return tree;
}

FileType type_of(fs::file_type type) {
    switch (type) {
    case fs::file_type::regular: return FileType::regular;
    case fs::file_type::directory: return FileType::directory;
    case fs::file_type::symlink: return FileType::symbolic_link;
    case fs::file_type::fifo: return FileType::fifo;
    default: return FileType::unknown;
    }
}

void compare_attributes(Inode const& inode, fs::path const& original) {
    struct stat expected;
    ASSERT_EQ(lstat(original.c_str(), &expected), 0);
    EXPECT_EQ(inode.type, type_of(fs::symlink_status(original).type()));
    EXPECT_EQ(inode.permissions, expected.st_mode & 07777);
    EXPECT_EQ(inode.uid, expected.st_uid);
    EXPECT_EQ(inode.gid, expected.st_gid);
    EXPECT_EQ(inode.modified.seconds, expected.st_mtime);
    if (inode.type == FileType::regular) {
        EXPECT_EQ(inode.link_count, expected.st_nlink);
        EXPECT_EQ(inode.size, static_cast<std::uint64_t>(expected.st_size));
    }
}

void compare_contents(Volume& volume, Inode const& inode, fs::path const& original) {
    auto const expected = read_file(original);
    // All at once, past the end too; and in pieces that do not fit blocks.
    EXPECT_TRUE(contents_of(volume, inode, 0, expected.size() + 70'000) == expected);
    for (std::size_t offset = 0; offset < expected.size(); offset += 77'777) {
        auto const size = std::min<std::size_t>(33'333, expected.size() - offset);
        EXPECT_TRUE(contents_of(volume, inode, offset, 33'333) == expected.substr(offset, size)) << offset;
    }
    EXPECT_EQ(contents_of(volume, inode, expected.size(), 10), "");
    EXPECT_EQ(contents_of(volume, inode, ~std::uint64_t{0}, 10), "");
}

void compare_directory(Volume& volume, Inode const& directory, fs::path const& original, bool has_lost_found) {
    std::set<std::string> expected = {".", ".."};
    if (has_lost_found)
        expected.insert("lost+found");
    for (auto const& entry : fs::directory_iterator(original))
        expected.insert(entry.path().filename().string());

    for (std::size_t const at_a_time : {1uz, 7uz, 100'000uz}) {
        auto const listed = list(volume, directory, at_a_time);
        ASSERT_TRUE(listed) << name_of(listed.error());
        std::set<std::string> names;
        for (auto const& [name, entry] : *listed) {
            names.insert(name);
            EXPECT_EQ(wait(volume.lookup(directory, name)), entry.inode) << name;
        }
        EXPECT_EQ(names, expected);
        EXPECT_EQ(listed->find(".")->second.inode, directory.number);
    }
    EXPECT_EQ(async::sync_wait(volume.lookup(directory, "no such name")).error(), Error::not_found);
    EXPECT_EQ(async::sync_wait(volume.lookup(directory, "")).error(), Error::not_found);
    EXPECT_EQ(async::sync_wait(volume.lookup(directory, std::string(256, 'x'))).error(), Error::name_too_long);
}

void compare(Volume& volume, Inode const& inode, fs::path const& original, bool is_root) {
    SCOPED_TRACE(original.string());
    // mke2fs makes the root directory itself.
    if (!is_root)
        compare_attributes(inode, original);
    if (inode.type == FileType::regular) {
        compare_contents(volume, inode, original);
        EXPECT_EQ(async::sync_wait(volume.lookup(inode, "x")).error(), Error::not_a_directory);
    } else if (inode.type == FileType::symbolic_link) {
        EXPECT_EQ(target_of(volume, inode), fs::read_symlink(original).string());
    } else if (inode.is_directory()) {
        compare_directory(volume, inode, original, is_root);
        for (auto const& entry : fs::directory_iterator(original)) {
            auto const number = wait(volume.lookup(inode, entry.path().filename().string()));
            compare(volume, wait(volume.read_inode(number)), entry.path(), false);
        }
    }
}

class VolumeOf : public ::testing::TestWithParam<Format> {};

TEST_P(VolumeOf, holds_what_was_put_into_it) {
    TemporaryFolder folder;
    auto const image = folder / "image";
    run(std::string("mke2fs -q ") + GetParam().options + " -d " + shell_word(source_tree().path()) + " " +
        shell_word(image) + " 256M");
    if (HasFatalFailure())
        return;
    FileSource source(image);
    auto const volume = wait(Volume::mount(source), "mount");
    compare(*volume, *find(*volume, ""), source_tree().path(), true);
}

TEST_P(VolumeOf, still_does_after_directories_were_indexed) {
    TemporaryFolder folder;
    auto const image = folder / "image";
    run(std::string("mke2fs -q ") + GetParam().options + " -d " + shell_word(source_tree().path()) + " " +
        shell_word(image) + " 256M");
    run("e2fsck -fyD " + shell_word(image), 1);
    if (HasFatalFailure())
        return;
    FileSource source(image);
    auto const volume = wait(Volume::mount(source), "mount");
    compare(*volume, *find(*volume, ""), source_tree().path(), true);
}

TEST_P(VolumeOf, has_the_statistics_that_e2fsprogs_sees) {
    TemporaryFolder folder;
    auto const image = folder / "image";
    run(std::string("mke2fs -q ") + GetParam().options + " -d " + shell_word(source_tree().path()) + " " +
        shell_word(image) + " 256M");
    if (HasFatalFailure())
        return;
    FileSource source(image);
    auto const volume = wait(Volume::mount(source), "mount");
    auto const number_after = [&](std::string const& label) {
        return std::stoull(output_of("dumpe2fs -h " + shell_word(image) + " | sed -n 's/^" + label + ": *//p'"));
    };
    for (int turn = 0; turn < 2; ++turn) {
        auto const statistics = wait(volume->statistics());
        EXPECT_EQ(statistics.block_size, number_after("Block size"));
        EXPECT_EQ(statistics.free_blocks, number_after("Free blocks"));
        EXPECT_EQ(statistics.available_blocks, number_after("Free blocks") - number_after("Reserved block count"));
        EXPECT_EQ(statistics.inodes, number_after("Inode count"));
        EXPECT_EQ(statistics.free_inodes, number_after("Free inodes"));
        EXPECT_LT(statistics.blocks, number_after("Block count"));
        EXPECT_GT(statistics.blocks, number_after("Block count") / 2);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, VolumeOf,
    ::testing::Values(Format{"ext4", "-t ext4 -b 4096"}, Format{"ext4_1k", "-t ext4 -b 1024"},
                      Format{"ext4_2k", "-t ext4 -b 2048"}, Format{"ext4_64k", "-t ext4 -F -b 65536"},
                      Format{"ext4_inline_data", "-t ext4 -b 4096 -O inline_data"},
                      Format{"ext4_large_inline_data", "-t ext4 -O inline_data -I 1024"},
                      Format{"ext4_without_extents", "-t ext4 -O ^extent,^64bit"},
                      Format{"ext4_without_64bit", "-t ext4 -O ^64bit"},
                      Format{"ext4_without_checksums", "-t ext4 -b 4096 -O ^metadata_csum"},
                      Format{"ext4_group_checksums", "-t ext4 -O ^metadata_csum,uninit_bg"},
                      Format{"ext4_small_inodes", "-t ext4 -I 128"},
                      Format{"ext4_meta_groups", "-t ext4 -b 1024 -O meta_bg,^resize_inode"},
                      Format{"ext4_checksum_seed", "-t ext4 -O metadata_csum_seed"},
                      Format{"ext4_bigalloc", "-t ext4 -b 4096 -O bigalloc -C 16384"},
                      Format{"ext4_orphan_file", "-t ext4 -O orphan_file"},
                      Format{"ext4_small_groups", "-t ext4 -b 1024 -g 1024 -O sparse_super2"},
                      Format{"ext4_without_file_types", "-t ext4 -O ^filetype"}, Format{"ext3", "-t ext3 -b 4096"},
                      Format{"ext3_1k", "-t ext3 -b 1024"}, Format{"ext2", "-t ext2 -b 4096"},
                      Format{"ext2_1k", "-t ext2 -b 1024 -I 128"}, Format{"ext2_revision_0", "-t ext2 -r 0 -b 1024"}),
    [](auto const& test) { return std::string(test.param.name); });

// An image with one or more files of the test's choice.
class Volumes : public ::testing::Test {
protected:
    std::unique_ptr<Volume> make(std::string const& options, std::string const& size = "64M",
                                 std::string const& requests = "") {
        run("mke2fs -q -F " + options + " -d " + shell_word(tree_.path()) + " " + shell_word(image()) + " " + size);
        if (!requests.empty())
            edit(image(), requests);
        return mount();
    }
    std::unique_ptr<Volume> mount() {
        source_.emplace(image());
        return wait(Volume::mount(*source_), "mount");
    }
    [[nodiscard]] fs::path image() const { return folder_ / "image"; }

    TemporaryFolder folder_;
    TemporaryFolder tree_;
    std::optional<FileSource> source_;
};

TEST_F(Volumes, read_files_with_deep_extent_trees) {
    std::string expected(8'000'000, '\0');
    {
        // Every other block is a hole, so each needs an extent of its own: 84 fit in a block of 1 KiB, 4 in the inode.
        std::ofstream stream(tree_ / "fragments", std::ios::binary);
        for (std::size_t offset = 0; offset + 1024 <= expected.size(); offset += 2048) {
            auto const piece = noise(1024, offset);
            expected.replace(offset, 1024, piece);
            stream.seekp(static_cast<std::streamoff>(offset));
            stream << piece;
        }
    }
    fs::resize_file(tree_ / "fragments", expected.size());
    auto const volume = make("-t ext4 -b 1024");
    auto const file = find(*volume, "fragments");
    ASSERT_TRUE(file);
    EXPECT_GE(std::to_integer<int>(file->block_area[6]), 2) << "the tree is not as deep as the test wants it";
    EXPECT_TRUE(contents_of(*volume, *file, 0, expected.size()) == expected);
    for (std::size_t offset = 1; offset < expected.size(); offset += 99'991)
        EXPECT_TRUE(contents_of(*volume, *file, offset, 1500) == expected.substr(offset, 1500)) << offset;
}

TEST_F(Volumes, read_files_through_all_levels_of_a_block_map) {
    struct Piece {
        std::uint64_t offset;
        std::string bytes;
    };
    for (std::uint64_t const block : {1024, 4096}) {
        auto const pointers = block / 4;
        std::vector<Piece> pieces;
        auto const double_start = (12 + pointers) * block;
        auto const triple_start = (12 + pointers + pointers * pointers) * block;
        for (auto const offset : {std::uint64_t{0}, 11 * block, 12 * block, double_start - block, double_start,
                                  double_start + 3 * pointers * block, triple_start - block, triple_start,
                                  triple_start + 5 * pointers * pointers * block + 77 * block})
            pieces.push_back({.offset = offset, .bytes = noise(block + 100, offset + 1)});
        fs::remove(tree_ / "large");
        std::ofstream stream(tree_ / "large", std::ios::binary);
        for (auto const& piece : pieces) {
            stream.seekp(static_cast<std::streamoff>(piece.offset));
            stream << piece.bytes;
        }
        stream.close();
        auto const size = fs::file_size(tree_ / "large");

        auto const volume = make("-t ext2 -b " + std::to_string(block));
        auto const file = find(*volume, "large");
        ASSERT_TRUE(file);
        EXPECT_EQ(file->size, size);
        for (auto const& piece : pieces) {
            auto const read = contents_of(*volume, *file, piece.offset, piece.bytes.size());
            // The next piece may begin where this one ends.
            EXPECT_EQ(read->substr(0, block), piece.bytes.substr(0, block)) << piece.offset;
        }
        EXPECT_EQ(contents_of(*volume, *file, triple_start + 100 * block, 5000), std::string(5000, '\0'));

        // The runs tile the file and agree with what was written.
        std::uint64_t logical = 0, mapped = 0;
        while (logical < size / block) {
            auto const run = wait(volume->map_blocks(*file, logical, 1'000'000'000));
            ASSERT_GT(run.count, 0u);
            if (run.kind == Mapping::Kind::mapped)
                mapped += run.count;
            logical += run.count;
        }
        EXPECT_GE(mapped, pieces.size());
        EXPECT_LE(mapped, 3 * pieces.size());
    }
}

TEST_F(Volumes, read_holes_at_the_end_of_a_file) {
    auto const expected = noise(5000, 1);
    write_file(tree_ / "file", expected);
    fs::resize_file(tree_ / "file", 1'000'123);
    auto const volume = make("-t ext4");
    auto const file = find(*volume, "file");
    ASSERT_TRUE(file);
    EXPECT_TRUE(contents_of(*volume, *file, 0, 2'000'000) == expected + std::string(995'123, '\0'));
    EXPECT_EQ(contents_of(*volume, *file, 1'000'100, 1000), std::string(23, '\0'));
}

TEST_F(Volumes, read_unwritten_extents_as_zeros) {
    write_file(tree_ / "small", "x");
    auto const volume =
        make("-t ext4 -b 4096", "64M", "write /dev/null reserved\nfallocate reserved 3 100\nsif reserved size 500000");
    auto const file = find(*volume, "reserved");
    ASSERT_TRUE(file);
    auto const run = wait(volume->map_blocks(*file, 5, 1000));
    EXPECT_EQ(run.kind, Mapping::Kind::unwritten);
    EXPECT_EQ(run.count, 96u);
    EXPECT_EQ(wait(volume->map_blocks(*file, 0, 1000)).kind, Mapping::Kind::hole);
    EXPECT_EQ(wait(volume->map_blocks(*file, 0, 1000)).count, 3u);
    EXPECT_EQ(contents_of(*volume, *file, 0, 600'000), std::string(500'000, '\0'));
}

TEST_F(Volumes, map_runs_that_hold_the_contents) {
    auto const expected = noise(3'000'000, 5);
    write_file(tree_ / "file", expected);
    auto const volume = make("-t ext4 -b 4096");
    auto const file = find(*volume, "file");
    ASSERT_TRUE(file);
    auto const image = read_file(this->image());
    for (std::uint64_t logical = 0; logical * 4096 < expected.size();) {
        auto const run = wait(volume->map_blocks(*file, logical, 100));
        ASSERT_EQ(run.kind, Mapping::Kind::mapped);
        ASSERT_LE(run.count, 100u);
        auto const piece = std::string_view(expected).substr(logical * 4096, run.count * 4096);
        EXPECT_TRUE(std::string_view(image).substr(run.physical * 4096, piece.size()) == piece);
        logical += run.count;
    }
}

TEST_F(Volumes, decode_times_owners_and_devices) {
    write_file(tree_ / "file", "x");
    auto const volume = make("-t ext4", "64M",
                             "mknod character c 4 64\nmknod block b 259 10000\n"
                             "sif file uid 100000\nsif file gid 3000000000\n"
                             "sif file mtime @0x80000000\nsif file mtime_extra 0xee6b27fc\n"
                             "sif file atime @0x7fffffff\nsif file atime_extra 5\n"
                             "sif file ctime @0x10\nsif file ctime_extra 0xfffffffd\n"
                             "sif file crtime @0x60000000\nsif file crtime_extra 0x4\n"
                             "sif file generation 77");
    auto const file = find(*volume, "file");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->uid, 100'000u);
    EXPECT_EQ(file->gid, 3'000'000'000u);
    EXPECT_EQ(file->generation, 77u);
    EXPECT_EQ(file->modified, (Timestamp{.seconds = -0x8000'0000ll, .nanoseconds = 999'999'999}));
    EXPECT_EQ(file->accessed, (Timestamp{.seconds = 0x7fff'ffffll + 0x1'0000'0000ll, .nanoseconds = 1}));
    EXPECT_EQ(file->changed, (Timestamp{.seconds = 0x10 + 0x1'0000'0000ll, .nanoseconds = 0}));
    EXPECT_EQ(file->created, (Timestamp{.seconds = 0x6000'0000, .nanoseconds = 1}));

    auto const character = find(*volume, "character");
    ASSERT_TRUE(character);
    EXPECT_EQ(character->type, FileType::character_device);
    EXPECT_EQ(character->device_major, 4u);
    EXPECT_EQ(character->device_minor, 64u);
    auto const block = find(*volume, "block");
    ASSERT_TRUE(block);
    EXPECT_EQ(block->type, FileType::block_device);
    EXPECT_EQ(block->device_major, 259u);
    EXPECT_EQ(block->device_minor, 10'000u);
    EXPECT_EQ(async::sync_wait(volume->read(*block, 0, {})).error(), Error::invalid_argument);
}

class AttributeCollector final : public AttributeVisitor {
public:
    bool visit(AttributeName const& name, std::size_t value_size) override {
        sizes[std::string(name.prefix) + std::string(name.rest)] = value_size;
        return true;
    }
    std::map<std::string, std::size_t> sizes;
};

TEST_F(Volumes, read_attributes_from_inode_and_block) {
    write_file(tree_ / "file", "x");
    write_file(tree_ / "plain", "x");
    write_file(folder_ / "large", noise(2000, 3));
    for (auto const* const options :
         {"-t ext4 -b 4096", "-t ext4 -b 4096 -O inline_data", "-t ext3 -b 4096 -I 128", "-t ext4 -b 1024"}) {
        SCOPED_TRACE(options);
        auto const size = std::string_view(options).ends_with("1024") ? 700uz : 2000uz;
        fs::resize_file(folder_ / "large", size);
        auto const large = read_file(folder_ / "large");
        auto const volume = make(options, "64M",
                                 "ea_set file user.small value\nea_set file user.empty \"\"\n"
                                 "ea_set file security.capability 0123456789\nea_set -f " +
                                     (folder_ / "large").string() + " file trusted.large");
        auto const file = find(*volume, "file");
        ASSERT_TRUE(file);
        AttributeCollector collector;
        wait(volume->list_attributes(*file, collector));
        EXPECT_EQ(collector.sizes["user.small"], 5u);
        EXPECT_EQ(collector.sizes["security.capability"], 10u);
        EXPECT_EQ(collector.sizes["trusted.large"], size);
        EXPECT_FALSE(collector.sizes.contains("system.data"));

        std::array<std::byte, 4096> value;
        EXPECT_EQ(wait(volume->get_attribute(*file, "user.small", value)), 5u);
        EXPECT_EQ(as_text(Bytes(value).first(5)), "value");
        EXPECT_EQ(wait(volume->get_attribute(*file, "user.small", {})), 5u);
        EXPECT_EQ(wait(volume->get_attribute(*file, "trusted.large", value)), size);
        EXPECT_EQ(as_text(Bytes(value).first(size)), large);
        EXPECT_EQ(async::sync_wait(volume->get_attribute(*file, "user.small", std::span(value).first(4))).error(),
                  Error::out_of_range);
        EXPECT_EQ(async::sync_wait(volume->get_attribute(*file, "user.absent", value)).error(), Error::not_found);
        EXPECT_EQ(async::sync_wait(volume->get_attribute(*file, "small", value)).error(), Error::not_found);
        auto const plain = find(*volume, "plain");
        EXPECT_EQ(async::sync_wait(volume->get_attribute(*plain, "user.small", value)).error(), Error::not_found);
    }
}

TEST_F(Volumes, refuse_attribute_values_in_inodes_and_read_the_others) {
    write_file(tree_ / "file", "contents");
    write_file(folder_ / "huge", noise(20'000, 3));
    auto const volume =
        make("-t ext4 -O ea_inode", "64M",
             "ea_set file user.small value\nea_set -f " + (folder_ / "huge").string() + " file user.huge");
    auto const file = find(*volume, "file");
    ASSERT_TRUE(file);
    std::array<std::byte, 64> value;
    EXPECT_EQ(wait(volume->get_attribute(*file, "user.small", value)), 5u);
    EXPECT_EQ(async::sync_wait(volume->get_attribute(*file, "user.huge", value)).error(), Error::not_supported);
    EXPECT_EQ(contents_of(*volume, *file, 0, 100), "contents");
}

TEST_F(Volumes, work_on_sources_with_large_blocks) {
    write_file(tree_ / "file", noise(100'000, 9));
    make("-t ext4 -b 4096");
    FileSource matching(image(), 4096);
    auto const volume = wait(Volume::mount(matching));
    EXPECT_TRUE(contents_of(*volume, *find(*volume, "file"), 0, 100'000) == noise(100'000, 9));

    make("-t ext4 -b 1024");
    FileSource too_large(image(), 4096);
    EXPECT_EQ(async::sync_wait(Volume::mount(too_large)).error(), Error::not_supported);
    FileSource too_small(image(), 256);
    EXPECT_EQ(async::sync_wait(Volume::mount(too_small)).error(), Error::invalid_argument);
}

TEST_F(Volumes, work_with_a_cache_of_one_block) {
    for (int index = 0; index < 300; ++index)
        write_file(tree_ / ("file " + std::to_string(index)), std::to_string(index));
    make("-t ext4 -b 1024");
    run("e2fsck -fyD " + shell_word(image()), 1);
    FileSource source(image());
    auto const volume = wait(Volume::mount(source, {.cached_blocks = 1}));
    for (int index = 0; index < 300; ++index) {
        auto const file = find(*volume, "file " + std::to_string(index));
        ASSERT_TRUE(file);
        EXPECT_EQ(contents_of(*volume, *file, 0, 10), std::to_string(index));
    }
}

TEST_F(Volumes, do_not_read_cached_metadata_again) {
    write_file(tree_ / "file", "x");
    auto const volume = make("-t ext4");
    ASSERT_TRUE(find(*volume, "file"));
    auto const reads = source_->reads;
    for (int turn = 0; turn < 10; ++turn)
        ASSERT_TRUE(find(*volume, "file"));
    EXPECT_EQ(source_->reads, reads);
}

}  // namespace
}  // namespace astrata::ext4
