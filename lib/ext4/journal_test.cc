// Journals written by debugfs, replayed by us and by e2fsck.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/ext4/image_testing.h"
#include "lib/ext4/journal_layout.h"
#include "lib/ext4/layout.h"

namespace astrata::ext4 {
namespace {

using namespace testing;

constexpr std::size_t block_size = 4096;
constexpr std::size_t file_blocks = 8;

class Journal : public ::testing::Test {
protected:
    void make(std::string const& options) {
        original_ = noise(file_blocks * block_size, 1);
        write_file(tree_ / "file", original_);
        write_file(tree_ / "other", "left alone");
        run("mke2fs -q -F -b 4096 " + options + " -d " + shell_word(tree_.path()) + " " + shell_word(image()) + " 64M");
        FileSource source(image());
        auto const volume = wait(Volume::mount(source));
        auto const file = find(*volume, "file");
        ASSERT_TRUE(file);
        blocks_.clear();
        for (std::size_t logical = 0; logical < file_blocks; ++logical)
            blocks_.push_back(wait(volume->map_blocks(*file, logical, 1)).physical);
    }

    // A debugfs request that logs new contents, made from `seed`, for one block of the file.
    std::string log_block(std::size_t logical, std::uint64_t seed, std::string const& options = "") {
        auto const source = folder_ / ("contents " + std::to_string(seed));
        write_file(source, noise(block_size, seed));
        return "jw -b " + std::to_string(blocks_[logical]) + " " + options + " \"" + source.string() + "\"\n";
    }
    std::string revoke(std::size_t logical) { return "jw -r " + std::to_string(blocks_[logical]) + "\n"; }

    void write_journal(std::string const& requests, std::string const& options = "") {
        edit(image(), "jo " + options + "\n" + requests + "jc\n");
    }

    Result<std::string> read_through(BlockSource& source) {
        auto const volume = TRY(async::sync_wait(Volume::mount(source)));
        auto const other = TRY(find(*volume, "other"));
        EXPECT_EQ(contents_of(*volume, other, 0, 100), "left alone");
        auto const file = TRY(find(*volume, "file"));
        auto const whole = TRY(contents_of(*volume, file, 0, file_blocks * block_size));
        // Small pieces go through the cache, large ones do not: both must see the same.
        for (std::size_t offset = 0; offset < whole.size(); offset += 1000)
            EXPECT_TRUE(contents_of(*volume, file, offset, 1000) == whole.substr(offset, 1000)) << offset;
        return whole;
    }

    // The file as it must be: block i holds noise of seeds[i], or the original where that is 0.
    void expect_contents(std::array<std::uint64_t, file_blocks> const& seeds) {
        std::string expected = original_;
        for (std::size_t logical = 0; logical < file_blocks; ++logical) {
            if (seeds[logical] != 0)
                expected.replace(logical * block_size, block_size, noise(block_size, seeds[logical]));
        }
        auto const untouched = read_file(image());
        {
            FileSource source(image());
            auto const replayed = read_through(source);
            ASSERT_TRUE(replayed) << name_of(replayed.error());
            EXPECT_TRUE(*replayed == expected);
        }
        EXPECT_TRUE(read_file(image()) == untouched);
        // e2fsck agrees.
        run("e2fsck -fy " + shell_word(image()), 1);
        FileSource source(image());
        auto const repaired = read_through(source);
        ASSERT_TRUE(repaired) << name_of(repaired.error());
        EXPECT_TRUE(*repaired == expected);
    }

    [[nodiscard]] fs::path image() const { return folder_ / "image"; }

    TemporaryFolder folder_;
    TemporaryFolder tree_;
    std::string original_;
    std::vector<BlockNumber> blocks_;
};

TEST_F(Journal, is_replayed_in_every_format) {
    struct Variant {
        char const* format;
        char const* journal;
    };
    for (auto const& [format, journal] :
         {Variant{"-t ext4", ""}, Variant{"-t ext4", "-c -v 2"}, Variant{"-t ext4", "-c -v 3"},
          Variant{"-t ext4 -O ^64bit", "-c -v 3"}, Variant{"-t ext4 -O ^64bit", "-c -v 2"},
          Variant{"-t ext4 -O ^metadata_csum", ""}, Variant{"-t ext3", ""}}) {
        SCOPED_TRACE(std::string(format) + " / " + journal);
        make(format);
        write_journal(log_block(0, 100) + log_block(3, 103) + log_block(7, 107), journal);
        expect_contents({100, 0, 0, 103, 0, 0, 0, 107});
    }
}

TEST_F(Journal, applies_the_newest_copy) {
    make("-t ext4");
    write_journal(log_block(1, 11) + log_block(1, 12) + log_block(2, 13) + log_block(1, 14));
    expect_contents({0, 14, 13, 0, 0, 0, 0, 0});
}

TEST_F(Journal, leaves_out_what_was_not_committed) {
    make("-t ext4");
    write_journal(log_block(1, 11) + log_block(1, 12, "-c"));
    expect_contents({0, 11, 0, 0, 0, 0, 0, 0});
}

TEST_F(Journal, honours_revocations) {
    make("-t ext4");
    write_journal(log_block(1, 11) + log_block(2, 12) + revoke(1) + log_block(3, 13) + revoke(3) + log_block(3, 14));
    expect_contents({0, 0, 12, 14, 0, 0, 0, 0});
}

TEST_F(Journal, restores_escaped_blocks) {
    make("-t ext4");
    auto escaped = noise(block_size, 50);
    std::string const magic = "\xc0\x3b\x39\x98";
    escaped.replace(0, magic.size(), magic);
    write_file(folder_ / "escaped", escaped);
    write_journal("jw -b " + std::to_string(blocks_[2]) + " " + (folder_ / "escaped").string() + "\n");
    auto expected = original_;
    expected.replace(2 * block_size, block_size, escaped);
    FileSource source(image());
    EXPECT_TRUE(read_through(source) == expected);

    auto const volume = wait(Volume::mount(source));
    auto const file = find(*volume, "file");
    auto const run = wait(volume->map_blocks(*file, 2, 6));
    EXPECT_TRUE(run.is_escaped);
    EXPECT_EQ(run.count, 1u);
    EXPECT_NE(run.physical, blocks_[2]);
    EXPECT_EQ(wait(volume->map_blocks(*file, 0, 6)).count, 2u);
    EXPECT_EQ(wait(volume->map_blocks(*file, 3, 6)).count, 5u);
}

TEST_F(Journal, logs_many_blocks_over_several_descriptors) {
    make("-t ext4");
    std::string requests;
    for (std::uint64_t turn = 1; turn <= 60; ++turn)
        requests += log_block(turn % file_blocks, turn);
    write_journal(requests, "-c -v 3");
    expect_contents({56, 57, 58, 59, 60, 53, 54, 55});
}

TEST_F(Journal, is_refused_when_damaged) {
    make("-t ext4");
    write_journal(log_block(1, 11), "-c -v 3");
    auto const image_bytes = read_file(image());
    std::string_view const whole = image_bytes;
    auto const logged = whole.find(noise(block_size, 11));
    ASSERT_NE(logged, std::string_view::npos);
    {
        MemorySource source(image_bytes);
        source.image[logged + 100] ^= 1;  // of a logged block that belongs to a committed transaction
        EXPECT_EQ(async::sync_wait(Volume::mount(source)).error(), Error::corrupt);
        EXPECT_TRUE(async::sync_wait(Volume::mount(source, {.checksums = Checksums::ignore})));
    }
    {
        MemorySource source(image_bytes);
        source.image[logged - block_size + 20] ^= 1;  // of its descriptor: the log ends before it
        EXPECT_TRUE(read_through(source) == original_);
    }
    // The journal's superblock is two blocks before the first logged one.
    auto const super = logged - 2 * block_size;
    for (auto const at : {0, 4, 12, 16, 20, 28, 40, 80}) {
        SCOPED_TRACE(at);
        MemorySource source(image_bytes);
        for (int byte = 0; byte < 4; ++byte)
            source.image[super + static_cast<std::size_t>(at + byte)] ^= '\x55';
        for (auto const checksums : {Checksums::verify, Checksums::ignore}) {
            auto const mounted = async::sync_wait(Volume::mount(source, {.checksums = checksums}));
            ASSERT_FALSE(mounted);
            EXPECT_TRUE(mounted.error() == Error::corrupt || mounted.error() == Error::not_supported);
        }
    }
}

TEST_F(Journal, survives_any_single_flipped_byte) {
    make("-t ext4");
    write_journal(log_block(1, 11) + revoke(2) + log_block(3, 13), "-c -v 3");
    auto const image_bytes = read_file(image());
    auto const logged = std::string_view(image_bytes).find(noise(block_size, 11));
    ASSERT_NE(logged, std::string_view::npos);
    auto const log = logged - 2 * block_size;
    MemorySource source(image_bytes);
    for (std::size_t at = log; at < log + 9 * block_size; at += 1 + at % 13) {
        source.image[at] ^= '\x2a';
        // Whatever comes of it, an error or not.
        for (auto const checksums : {Checksums::verify, Checksums::ignore})
            static_cast<void>(async::sync_wait(Volume::mount(source, {.checksums = checksums})));
        source.image[at] ^= '\x2a';
    }
}

TEST_F(Journal, that_is_external_is_not_supported) {
    make("-t ext4");
    write_journal(log_block(1, 11));
    edit(image(), "ssv journal_inum 0\nssv journal_dev 0x801");
    FileSource source(image());
    EXPECT_EQ(async::sync_wait(Volume::mount(source)).error(), Error::not_supported);
    edit(image(), "ssv journal_dev 0");
    FileSource without(image());
    EXPECT_EQ(async::sync_wait(Volume::mount(without)).error(), Error::corrupt);
}

}  // namespace
}  // namespace astrata::ext4
