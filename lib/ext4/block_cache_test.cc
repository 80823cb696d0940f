#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/async/failing_new.h"
#include "lib/ext4/block_cache.h"
#include "lib/ext4/image_testing.h"

namespace astrata::ext4 {
namespace {

using namespace testing;

constexpr std::uint32_t block_size = 1024;

// Reads a block and lets it go at once.
async::Task<Result<char>> first_byte(BlockCache& cache, BlockNumber number) {
    auto const block = CO_TRY(co_await cache.get(number));
    co_return as_text(block.bytes()).front();
}

// The letter, or a dot for an error.
char letter(Result<char> const& result) {
    return result.value_or('.');
}
char letter(async::Task<Result<char>> task) {
    return letter(async::sync_wait(std::move(task)));
}
char letter_at(std::size_t number) {
    return static_cast<char>('a' + number);
}

// A read that is under way. (Not a bare Task: libc++ cannot compare iterators over types that name std::expected.)
struct Reading {
    explicit Reading(async::Task<Result<char>> reading) : task(std::move(reading)) { task->start(); }
    std::optional<async::Task<Result<char>>> task;
};

class BlockCacheOf : public ::testing::Test {
protected:
    BlockCacheOf() {
        for (char letter = 'a'; letter <= 'z'; ++letter)
            memory_.image += std::string(block_size, letter);
    }

    MemorySource memory_{""};
    WaitingSource waiting_{memory_};
};

TEST_F(BlockCacheOf, keeps_what_was_used_last) {
    auto const cache = *BlockCache::create(memory_, block_size, 3);
    for (BlockNumber const number : {0, 1, 2, 0, 3})
        EXPECT_EQ(letter(first_byte(*cache, number)), letter_at(number));
    EXPECT_EQ(memory_.reads, 4u);
    for (BlockNumber const number : {0, 2, 3})
        EXPECT_EQ(letter(first_byte(*cache, number)), letter_at(number));
    EXPECT_EQ(memory_.reads, 4u);
    EXPECT_EQ(letter(first_byte(*cache, 1)), 'b');
    EXPECT_EQ(memory_.reads, 5u);
}

TEST_F(BlockCacheOf, reads_a_block_once_for_all_who_wait_for_it) {
    auto const cache = *BlockCache::create(waiting_, block_size, 4);
    std::vector<Reading> readings;
    for (int index = 0; index < 10; ++index)
        readings.emplace_back(first_byte(*cache, 5));
    EXPECT_EQ(waiting_.reads, 1u);
    waiting_.drain();
    for (auto& [task] : readings) {
        ASSERT_TRUE(task->is_done());
        EXPECT_EQ(letter(task->take_result()), 'f');
    }
}

TEST_F(BlockCacheOf, serves_more_tasks_than_it_has_blocks) {
    auto const cache = *BlockCache::create(waiting_, block_size, 2);
    std::vector<Reading> readings;
    for (BlockNumber number = 0; number < 26; ++number)
        readings.emplace_back(first_byte(*cache, number));
    EXPECT_EQ(waiting_.reads, 2u);
    waiting_.drain();
    for (std::size_t index = 0; index < readings.size(); ++index) {
        ASSERT_TRUE(readings[index].task->is_done());
        EXPECT_EQ(letter(readings[index].task->take_result()), letter_at(index));
    }
}

TEST_F(BlockCacheOf, tells_all_who_wait_of_an_error_and_tries_again_later) {
    auto const cache = *BlockCache::create(waiting_, block_size, 2);
    auto first = first_byte(*cache, 1);
    auto second = first_byte(*cache, 1);
    first.start();
    second.start();
    waiting_.next_error = Error::io;
    waiting_.drain();
    ASSERT_TRUE(first.is_done() && second.is_done());
    EXPECT_EQ(first.take_result().error(), Error::io);
    EXPECT_EQ(second.take_result().error(), Error::io);
    auto third = first_byte(*cache, 1);
    third.start();
    waiting_.drain();
    EXPECT_EQ(letter(third.take_result()), 'b');
}

TEST_F(BlockCacheOf, survives_that_the_loading_task_is_given_up) {
    auto const cache = *BlockCache::create(waiting_, block_size, 2);
    std::optional loading = first_byte(*cache, 1);
    auto waiting = first_byte(*cache, 1);
    auto other = first_byte(*cache, 2);
    loading->start();
    waiting.start();
    other.start();
    loading.reset();
    EXPECT_FALSE(waiting.is_done());
    waiting_.drain();
    ASSERT_TRUE(waiting.is_done() && other.is_done());
    EXPECT_EQ(letter(waiting.take_result()), 'b');
    EXPECT_EQ(letter(other.take_result()), 'c');
}

TEST_F(BlockCacheOf, forgets_everything_when_tasks_are_given_up_in_any_order) {
    for (std::size_t victim = 0; victim < 6; ++victim) {
        auto const cache = *BlockCache::create(waiting_, block_size, 2);
        std::vector<Reading> readings;
        for (BlockNumber const number : {1, 2, 3, 1, 2, 3})
            readings.emplace_back(first_byte(*cache, number));
        readings[victim].task.reset();
        waiting_.drain();
        for (std::size_t index = 0; index < readings.size(); ++index)
            EXPECT_TRUE(index == victim || readings[index].task->is_done()) << victim << index;
    }
}

TEST_F(BlockCacheOf, makes_do_with_the_memory_there_is) {
    auto const cache = *BlockCache::create(memory_, block_size, 2);
    EXPECT_EQ(letter(first_byte(*cache, 0)), 'a');
    {
        // After this test's frame and the cache's comes the second slot's buffer.
        async::testing::FailingNew failing(2);
        EXPECT_EQ(letter(first_byte(*cache, 1)), 'b');
        EXPECT_TRUE(failing.has_failed());
    }
    EXPECT_EQ(letter(first_byte(*cache, 0)), 'a');
    EXPECT_EQ(memory_.reads, 3u) << "the one buffer was used again";
}

// Does some of everything with a volume.
Result<std::size_t> use(BlockSource& source) {
    auto const volume = TRY(async::sync_wait(Volume::mount(source, {.cached_blocks = 4})));
    auto const file = TRY(find(*volume, "folder/file"));
    std::array<std::byte, 5000> buffer;
    auto const read = TRY(async::sync_wait(volume->read(file, 100, buffer)));
    auto const link = TRY(find(*volume, "folder/link"));
    TRY(async::sync_wait(volume->read_link(link, buffer)));
    TRY(async::sync_wait(volume->statistics()));
    struct Counter final : public DirectoryVisitor {
        bool visit(DirectoryEntry const&, std::uint64_t) override {
            ++count;
            return true;
        }
        int count = 0;
    } counter;
    auto const directory = TRY(find(*volume, "folder"));
    TRY(async::sync_wait(volume->read_directory(directory, 0, counter)));
    return read;
}

TEST(Memory, running_out_of_it_anywhere_is_an_error_and_leaks_nothing) {
    TemporaryFolder folder;
    fs::create_directories(folder / "tree/folder");
    write_file(folder / "tree/folder/file", noise(10'000, 1));
    fs::create_symlink(std::string(100, 'x'), folder / "tree/folder/link");
    for (auto const* const options : {"-t ext4", "-t ext4 -O inline_data", "-t ext3 -b 1024"}) {
        run(std::string("mke2fs -q -F ") + options + " -d " + shell_word(folder / "tree") + " " +
            shell_word(folder / "image") + " 16M");
        edit(folder / "image", "jo\njw -b 5000 " + (folder / "tree/folder/file").string() + "\njc");
        MemorySource source(read_file(folder / "image"));
        ASSERT_EQ(use(source), 5000u);
        bool has_ended = false;
        int refusals = 0;
        for (long count = 0; !has_ended; ++count) {
            async::testing::FailingNew const failing(count);
            auto const result = use(source);
            has_ended = !failing.has_failed();
            if (!result) {
                ASSERT_EQ(result.error(), Error::no_memory) << count;
                ++refusals;
            }
        }
        EXPECT_GT(refusals, 50);
    }
}

}  // namespace
}  // namespace astrata::ext4
