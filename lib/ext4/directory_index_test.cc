// Directories with hash indexes, as e2fsck builds them.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/ext4/directory_hash.h"
#include "lib/ext4/image_testing.h"
#include "lib/ext4/layout.h"

namespace astrata::ext4 {
namespace {

using namespace testing;

constexpr std::array<std::uint32_t, 4> no_seed = {};

// From debugfs: dx_hash -h ALGORITHM NAME.
TEST(DirectoryHash, agrees_with_e2fsprogs) {
    auto const expected = [](std::string const& algorithm, std::string const& seed, std::string const& name) {
        auto const options = algorithm + (seed.empty() ? "" : " -s " + seed);
        auto const text = output_of("debugfs -R 'dx_hash -h " + options + " \"" + name + "\"'");
        auto const at = text.find("is 0x");
        return at == std::string::npos ? 1u : static_cast<std::uint32_t>(std::stoul(text.substr(at + 5), nullptr, 16));
    };
    struct Algorithm {
        std::string name;
        HashVersion version;
    };
    std::string const seed_text = "01234567-89ab-cdef-0123-456789abcdef";
    std::array<std::uint32_t, 4> const seed = {0x67452301, 0xefcdab89, 0x67452301, 0xefcdab89};
    for (auto const& [algorithm, version] :
         {Algorithm{"legacy", HashVersion::legacy}, Algorithm{"half_md4", HashVersion::half_md4},
          Algorithm{"tea", HashVersion::tea}}) {
        for (auto const* const name : {"a", "ab", "hello", "fifteen letters", "sixteen letters!", "seventeen letters",
                                       "a name that is longer than thirty-two bytes for sure", "gr\xc3\xbc\xc3\x9f"}) {
            auto const stored = static_cast<std::uint8_t>(version);
            EXPECT_EQ(hash_name(name, stored, no_seed, false), expected(algorithm, "", name)) << algorithm << name;
            EXPECT_EQ(hash_name(name, stored, seed, false), expected(algorithm, seed_text, name)) << algorithm << name;
        }
    }
    // The unsigned variants differ where bytes are above 127, and are what the superblock's flag chooses.
    for (std::uint8_t const stored : {0, 1, 2}) {
        auto const as_unsigned = static_cast<std::uint8_t>(stored + 3);
        EXPECT_EQ(hash_name("plain", stored, no_seed, false), hash_name("plain", as_unsigned, no_seed, false));
        EXPECT_NE(hash_name("gr\xc3\xbc\xc3\x9f", stored, no_seed, false),
                  hash_name("gr\xc3\xbc\xc3\x9f", as_unsigned, no_seed, false));
        EXPECT_EQ(hash_name("gr\xc3\xbc\xc3\x9f", stored, no_seed, true),
                  hash_name("gr\xc3\xbc\xc3\x9f", as_unsigned, no_seed, false));
    }
    EXPECT_FALSE(hash_name("name", 6, no_seed, false));
}

// A directory with many names, as mke2fs makes it, without an index. Making one takes time that grows with the square
// of its size, so each is made once and copied.
constexpr int small_count = 6'000;  // enough for two levels of index in blocks of 1 KiB
constexpr int large_count = 20'000;

std::string file_name(int index) {
    // Long ones make more blocks; bytes above 127 tell signed from unsigned hashes.
    return "entry \xc3\xa9 number " + std::to_string(index) + std::string(static_cast<std::size_t>(index % 40), '.');
}

fs::path linear_image(int count, std::string const& options) {
    static TemporaryFolder const folder;
    auto const image = folder / (std::to_string(count) + options);
    if (!fs::exists(image)) {
        TemporaryFolder tree;
        fs::create_directory(tree / "large");
        write_file(tree / "large/0", "x");
        // Hard links: one inode for all keeps the image small. At most 65,000 are allowed.
        for (int index = 0; index < count; ++index)
            fs::create_hard_link(tree / "large/0", tree / ("large/" + file_name(index)));
        run("mke2fs -q -F " + options + " -d " + shell_word(tree.path()) + " " + shell_word(image) + " 16M");
    }
    return image;
}

class IndexedDirectory : public ::testing::Test {
protected:
    // An image with the large directory, indexed with the given hash.
    void make(std::string const& options, std::string const& algorithm, bool is_unsigned, int count = small_count) {
        fs::copy_file(linear_image(count, options), image(), fs::copy_options::overwrite_existing);
        edit(image(), "ssv def_hash_version " + algorithm + "\nssv flags " + (is_unsigned ? "2" : "1"));
        run("e2fsck -fyD " + shell_word(image()), 1);
    }
    [[nodiscard]] fs::path image() const { return folder_ / "image"; }

    static int levels_of(Volume& volume, MemorySource const& source, Inode const& directory) {
        auto const root = wait(volume.map_blocks(directory, 0, 1)).physical * volume.block_size();
        return static_cast<unsigned char>(source.image[root + 24 + 6]);
    }

    static void expect_all(Volume& volume, Inode const& directory, std::size_t& reads, int count) {
        auto const before = reads;
        int missing = 0;
        for (int index = 0; index < count; ++index)
            missing += !async::sync_wait(volume.lookup(directory, file_name(index)));
        EXPECT_EQ(missing, 0);
        // A linear search would read the whole directory each time.
        EXPECT_LT(reads - before, static_cast<std::size_t>(count) * 6);
        for (int index = 0; index < 100; ++index)
            EXPECT_EQ(async::sync_wait(volume.lookup(directory, "absent " + std::to_string(index))).error(),
                      Error::not_found);
    }

    TemporaryFolder folder_;
};

TEST_F(IndexedDirectory, finds_all_names_by_every_hash) {
    for (auto const* const algorithm : {"half_md4", "tea", "legacy"}) {
        for (bool const is_unsigned : {false, true}) {
            SCOPED_TRACE(std::string(algorithm) + (is_unsigned ? " unsigned" : " signed"));
            bool const is_usual = std::string_view(algorithm) == "half_md4" && !is_unsigned;
            int const count = is_usual ? large_count : small_count;
            make("-t ext4 -b 1024", algorithm, is_unsigned, count);
            MemorySource source(read_file(image()));
            auto const volume = wait(Volume::mount(source, {.cached_blocks = 32}));
            auto const directory = find(*volume, "large");
            ASSERT_TRUE(directory);
            ASSERT_TRUE(directory->has_flag(layout::inode_flag_indexed));
            EXPECT_EQ(levels_of(*volume, source, *directory), 1);
            expect_all(*volume, *directory, source.reads, count);
            EXPECT_EQ(list(*volume, *directory, 1000)->size(), static_cast<std::size_t>(count) + 3);
        }
    }
}

TEST_F(IndexedDirectory, finds_all_names_without_checksums_and_in_larger_blocks) {
    for (auto const* const options : {"-t ext4 -b 4096", "-t ext3 -b 1024", "-t ext4 -b 1024 -O ^metadata_csum"}) {
        SCOPED_TRACE(options);
        make(options, "half_md4", false);
        MemorySource source(read_file(image()));
        auto const volume = wait(Volume::mount(source, {.cached_blocks = 32}));
        auto const directory = find(*volume, "large");
        ASSERT_TRUE(directory);
        ASSERT_TRUE(directory->has_flag(layout::inode_flag_indexed));
        expect_all(*volume, *directory, source.reads, small_count);
    }
}

// Calls `change` with the bytes of each index block of the directory and whether it is the root.
template <typename Change>
void change_index(MemorySource& source, Volume& volume, Inode const& directory, Change change) {
    auto const block_size = volume.block_size();
    for (std::uint64_t logical = 0; logical < directory.size / block_size; ++logical) {
        auto const start = wait(volume.map_blocks(directory, logical, 1)).physical * block_size;
        auto const block = std::as_writable_bytes(std::span(source.image).subspan(start, block_size));
        auto const first = *load<layout::DirectoryEntry>(block, 0);
        if (logical == 0 || (first.inode == 0 && first.length == block_size))
            change(block, logical == 0);
    }
}

TEST_F(IndexedDirectory, follows_names_whose_hashes_collide_across_blocks) {
    make("-t ext4 -b 1024 -O ^metadata_csum", "half_md4", false);
    MemorySource source(read_file(image()));
    std::unique_ptr<Volume> volume = wait(Volume::mount(source));
    auto const directory = find(*volume, "large");
    ASSERT_TRUE(directory);
    // Pretend that each block goes on with the hash with which the one before ended: then the first name of every block
    // is looked for in the block before, and found only by following the mark.
    int marked = 0;
    change_index(source, *volume, *directory, [&](MutableBytes block, bool is_root) {
        auto const entries = is_root ? 32uz : 8uz;
        auto const count = std::uint16_t{*load<le16>(block, entries + 2)};
        for (std::size_t index = 1; index < count; ++index) {
            auto const at = entries + index * 8;
            EXPECT_TRUE(store(block, at, le32(*load<le32>(block, at) | 1)));
            ++marked;
        }
    });
    EXPECT_GT(marked, 150);
    volume = wait(Volume::mount(source));
    expect_all(*volume, *directory, source.reads, small_count);
}

TEST_F(IndexedDirectory, is_searched_linearly_when_its_hash_is_unknown) {
    make("-t ext4 -b 4096 -O ^metadata_csum", "half_md4", false);
    MemorySource source(read_file(image()));
    std::unique_ptr<Volume> volume = wait(Volume::mount(source));
    auto const directory = find(*volume, "large");
    ASSERT_TRUE(directory);
    change_index(source, *volume, *directory, [](MutableBytes block, bool is_root) {
        if (is_root)
            EXPECT_TRUE(store(block, 24 + 4, std::uint8_t{9}));
    });
    volume = wait(Volume::mount(source, {.cached_blocks = 1000}));
    for (int index = 0; index < small_count; index += 500)
        EXPECT_TRUE(async::sync_wait(volume->lookup(*directory, file_name(index))));
    EXPECT_EQ(async::sync_wait(volume->lookup(*directory, "absent")).error(), Error::not_found);
}

TEST_F(IndexedDirectory, ends_the_search_in_a_damaged_index) {
    make("-t ext4 -b 1024 -O ^metadata_csum", "half_md4", false);
    MemorySource const original(read_file(image()));
    struct Damage {
        char const* name;
        std::size_t offset_in_root, offset_in_node;
        std::uint32_t value;
    };
    for (auto const& damage :
         {Damage{"levels", 24 + 6, 0, 0xff}, Damage{"count", 34, 10, 0xffff}, Damage{"no count", 34, 10, 0},
          Damage{"capacity", 32, 8, 0xffff}, Damage{"own root", 36, 12, 0}, Damage{"far away", 36, 12, 0x0fff'ffff},
          Damage{"first child", 36, 12, 1}}) {
        SCOPED_TRACE(damage.name);
        MemorySource source(original.image);
        std::unique_ptr<Volume> volume = wait(Volume::mount(source));
        auto const directory = find(*volume, "large");
        ASSERT_TRUE(directory);
        change_index(source, *volume, *directory, [&](MutableBytes block, bool is_root) {
            auto const at = is_root ? damage.offset_in_root : damage.offset_in_node;
            if (at == 0)
                return;
            if (damage.value == 0xffff || std::string_view(damage.name) == "no count")
                EXPECT_TRUE(store(block, at, le16(static_cast<std::uint16_t>(damage.value))));
            else if (damage.value == 0xff)
                EXPECT_TRUE(store(block, at, std::uint8_t{0xff}));
            else
                EXPECT_TRUE(store(block, at, le32(damage.value)));
        });
        volume = wait(Volume::mount(source));
        int corrupt = 0;
        for (int index = 0; index < small_count; index += 10) {
            auto const found = async::sync_wait(volume->lookup(*directory, file_name(index)));
            if (!found) {
                EXPECT_TRUE(found.error() == Error::corrupt || found.error() == Error::not_found);
                ++corrupt;
            }
        }
        EXPECT_GT(corrupt, 0);
    }
}

}  // namespace
}  // namespace astrata::ext4
