// Damaged images: always an error or the truth, never a crash or a hang.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/ext4/image_testing.h"
#include "lib/ext4/layout.h"
#include "lib/ext4/walk_testing.h"

namespace astrata::ext4 {
namespace {

using namespace testing;

// A small image with every kind of structure.
std::string make_image(std::string const& options) {
    TemporaryFolder folder;
    fs::create_directories(folder / "tree/folder/nested");
    write_file(folder / "tree/file", noise(9000, 1));
    for (int index = 0; index < 100; ++index)
        write_file(folder / ("tree/folder/a rather long name for number " + std::to_string(index)), "");
    fs::create_symlink("short", folder / "tree/fast link");
    fs::create_symlink(std::string(200, 'x'), folder / "tree/slow link");
    {
        std::ofstream stream(folder / "tree/fragments", std::ios::binary);
        for (int piece = 0; piece < 20; ++piece) {
            stream.seekp(piece * 2048);
            stream << noise(1024, 50);
        }
    }
    run("mke2fs -q -F -b 1024 -N 160 " + options + " -d " + shell_word(folder / "tree") + " " +
        shell_word(folder / "image") + " 1M");
    edit(folder / "image", "ea_set file user.one " + std::string(300, 'v') + "\nea_set file user.two x");
    run("e2fsck -fyD " + shell_word(folder / "image"), 1);
    return read_file(folder / "image");
}

constexpr std::string_view checked_format = "-t ext4 -O ^has_journal,^resize_inode";
constexpr std::string_view unchecked_format = "-t ext2 -O ^resize_inode";

TEST(Corruption, is_never_mistaken_for_the_truth_where_there_are_checksums) {
    MemorySource source(make_image(std::string(checked_format)));
    auto const truth = walk(*wait(Volume::mount(source)));
    EXPECT_EQ(truth.errors, 0u);
    EXPECT_GT(truth.inodes, 105u);

    // Blocks of file contents have no checksum: leave them alone.
    std::vector<bool> is_content(source.image.size() / 1024);
    {
        auto const volume = wait(Volume::mount(source));
        for (auto const* const path : {"file", "fragments", "slow link"}) {
            auto const file = find(*volume, path);
            ASSERT_TRUE(file);
            for (std::uint64_t logical = 0; logical * 1024 < file->size; ++logical) {
                auto const run = wait(volume->map_blocks(*file, logical, 1));
                if (run.kind == Mapping::Kind::mapped)
                    is_content[run.physical] = true;
            }
        }
    }
    int noticed = 0;
    for (std::size_t at = 1024; at < source.image.size(); at += 31 + at % 211) {
        if (is_content[at / 1024] || (source.image[at] == 0 && at % 3 != 0))
            continue;
        source.image[at] ^= static_cast<char>(1 << (at % 8));
        auto const volume = async::sync_wait(Volume::mount(source));
        if (!volume) {
            ++noticed;
        } else {
            auto const report = walk(**volume);
            // Damage that nobody reads, in bitmaps and free space, goes unnoticed; nothing else does.
            EXPECT_TRUE(report.errors != 0 || report.digest == truth.digest) << at;
            noticed += report.errors != 0;
        }
        source.image[at] ^= static_cast<char>(1 << (at % 8));
    }
    // Where the damage falls depends on the image's UUID, so the exact number varies.
    EXPECT_GT(noticed, 50);
}

TEST(Corruption, does_no_harm_where_there_are_no_checksums) {
    for (auto const& [format, checksums] :
         {std::pair{checked_format, Checksums::ignore}, std::pair{unchecked_format, Checksums::verify}}) {
        MemorySource source(make_image(std::string(format)));
        for (std::size_t at = 1024; at < source.image.size(); at += 61 + at % 311) {
            if (source.image[at] == 0 && at % 5 != 0)
                continue;
            auto const before = source.image[at];
            source.image[at] = static_cast<char>(before ^ static_cast<char>(0x55 + at));
            auto const volume = async::sync_wait(Volume::mount(source, {.checksums = checksums}));
            if (volume)
                static_cast<void>(walk(**volume, 50));
            source.image[at] = before;
        }
    }
}

TEST(Corruption, of_a_truncated_image_is_noticed_at_mount) {
    MemorySource source(make_image(std::string(checked_format)));
    auto const whole = source.image;
    for (std::size_t const size : {0, 512, 1024, 1536, 2048, 4096, 100'000}) {
        source.image = whole.substr(0, size);
        EXPECT_EQ(async::sync_wait(Volume::mount(source)).error(), Error::corrupt) << size;
    }
}

class SuperblockField : public ::testing::Test {
protected:
    SuperblockField() : source_(make_image(std::string(unchecked_format))) {}

    Result<> mount_with(std::function<void(layout::Superblock&)> const& change) {
        auto const start = std::as_writable_bytes(std::span(source_.image).subspan(1024, 1024));
        auto const before = *load<layout::Superblock>(start, 0);
        auto changed = before;
        change(changed);
        EXPECT_TRUE(store(start, 0, changed));
        auto const volume = async::sync_wait(Volume::mount(source_));
        EXPECT_TRUE(store(start, 0, before));
        if (!volume)
            return fail(volume.error());
        return {};
    }

    MemorySource source_;
};

TEST_F(SuperblockField, out_of_its_range_is_refused) {
    EXPECT_TRUE(mount_with([](layout::Superblock&) {}));
    using Change = std::function<void(layout::Superblock&)>;
    std::vector<std::pair<char const*, Change>> const corrupt = {
        {"magic", [](auto& super) { super.magic = 0x1234; }},
        {"no blocks", [](auto& super) { super.block_count_low = 0; }},
        {"one block", [](auto& super) { super.block_count_low = 1; }},
        {"more blocks than the volume", [](auto& super) { super.block_count_low = 1025; }},
        {"first block", [](auto& super) { super.first_data_block = 0; }},
        {"first block far out", [](auto& super) { super.first_data_block = 0xffff'ffff; }},
        {"no blocks per group", [](auto& super) { super.blocks_per_group = 0; }},
        {"too many blocks per group", [](auto& super) { super.blocks_per_group = 8193; }},
        {"no inodes per group", [](auto& super) { super.inodes_per_group = 0; }},
        {"too many inodes per group", [](auto& super) { super.inodes_per_group = 0xffff'ffff; }},
        {"inode count", [](auto& super) { super.inode_count = 1; }},
        {"inode size 0", [](auto& super) { super.inode_size = 0; }},
        {"inode size 64", [](auto& super) { super.inode_size = 64; }},
        {"inode size 129", [](auto& super) { super.inode_size = 129; }},
        {"inode size above a block", [](auto& super) { super.inode_size = 2048; }},
        {"reserved blocks", [](auto& super) { super.reserved_block_count_low = 2000; }},
        {"descriptor size",
         [](auto& super) {
             super.incompatible_features = 0x82;
             super.descriptor_size = 48;
         }},
    };
    for (auto const& [name, change] : corrupt)
        EXPECT_EQ(mount_with(change).error_or(Error{}), Error::corrupt) << name;
    std::vector<std::pair<char const*, Change>> const unsupported = {
        {"revision", [](auto& super) { super.revision = 2; }},
        {"block size", [](auto& super) { super.log_block_size = 7; }},
        {"huge block size", [](auto& super) { super.log_block_size = 0xffff'ffff; }},
        {"compression", [](auto& super) { super.incompatible_features = 0x3; }},
        {"journal device", [](auto& super) { super.incompatible_features = 0xa; }},
        {"encryption", [](auto& super) { super.incompatible_features = 0x1'0002; }},
        {"case folding", [](auto& super) { super.incompatible_features = 0x2'0002; }},
        {"a feature of the future", [](auto& super) { super.incompatible_features = 0x8000'0002; }},
    };
    for (auto const& [name, change] : unsupported)
        EXPECT_EQ(mount_with(change).error_or(Error{}), Error::not_supported) << name;
    // Features that only writers must know.
    EXPECT_TRUE(mount_with([](auto& super) { super.read_only_features = 0x8000'0001; }));
    EXPECT_TRUE(mount_with([](auto& super) { super.compatible_features = 0x8000'0000; }));
}

}  // namespace
}  // namespace astrata::ext4
