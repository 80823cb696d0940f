#include "strates/linux/pipe/pipe.h"

#include <gtest/gtest.h>

#include "strates/linux/file/file_locks.h"
#include "strates/linux/file/special.h"
#include "strates/linux/filesystems/overlay/overlay_file_system.h"
#include "strates/linux/poll/epoll_watches.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/testing/fakes.h"
#include "strates/linux/vfs/operations.h"

namespace astrata::linux_abi {

namespace {
int broken_pipe_signals = 0;
}  // namespace

void send_to_current(Signal) {
    ++broken_pipe_signals;
}
LinuxResult<Ref<File>> open_device(Path const&, FileType, std::uint64_t, std::uint32_t) {
    return fail(Errno::enxio);
}
void end_epoll_watches(File&) {}

namespace {

class PipeTest : public ::testing::Test {
protected:
    void SetUp() override {
        testing::install_fakes();
        testing::on_wait = nullptr;
        broken_pipe_signals = 0;
        ends.emplace(make_pipe(0).value());
    }
    static LinuxResult<std::size_t> write(File& file, std::string_view text) {
        auto from = IoBuffer::from_constant_memory(as_bytes(text));
        return file.write_here(from);
    }
    static LinuxResult<std::string> read(File& file, std::size_t limit = 100'000) {
        std::vector<std::byte> buffer(limit);
        auto into = IoBuffer::from_memory(buffer);
        auto const count = LTRY(file.read_here(into));
        return std::string(as_text(Bytes(buffer).first(count)));
    }
    File& reader() { return *ends->read_end; }
    File& writer() { return *ends->write_end; }
    void close_writer() { ends->write_end = ends->read_end; }
    void close_reader() { ends->read_end = ends->write_end; }

    std::optional<PipeEnds> ends;
};

TEST_F(PipeTest, passes_bytes_in_order) {
    EXPECT_EQ(write(writer(), "hello ").value(), 6u);
    EXPECT_EQ(write(writer(), "world").value(), 5u);
    EXPECT_EQ(read(reader(), 3).value(), "hel");
    EXPECT_EQ(read(reader()).value(), "lo world");
}

TEST_F(PipeTest, refuses_the_wrong_direction) {
    EXPECT_EQ(write(reader(), "x").error(), Errno::ebadf);
    EXPECT_EQ(read(writer()).error(), Errno::ebadf);
    EXPECT_EQ(reader().seek(0, SeekOrigin::set).error(), Errno::espipe);
}

TEST_F(PipeTest, waits_for_bytes_and_for_writers) {
    testing::on_wait = [&] { ASSERT_TRUE(write(writer(), "late")); };
    EXPECT_EQ(read(reader()).value(), "late");
    EXPECT_EQ(read(reader()).error(), Errno::erestartsys);
    testing::on_wait = [&] { close_writer(); };
    EXPECT_EQ(read(reader()).value(), "");
}

TEST_F(PipeTest, does_not_wait_if_told_so) {
    reader().set_flags(reader().flags() | open_flag::non_blocking);
    writer().set_flags(writer().flags() | open_flag::non_blocking);
    EXPECT_EQ(read(reader()).error(), Errno::eagain);
    EXPECT_EQ(write(writer(), std::string(100'000, 'x')).value(), Pipe::default_capacity);
    EXPECT_EQ(write(writer(), "y").error(), Errno::eagain);
    EXPECT_EQ(read(reader(), 100).value().size(), 100u);
    // Up to PIPE_BUF bytes go in whole or not at all.
    EXPECT_EQ(write(writer(), std::string(200, 'z')).error(), Errno::eagain);
    EXPECT_EQ(write(writer(), std::string(100, 'z')).value(), 100u);
}

TEST_F(PipeTest, writes_more_than_fits_in_steps) {
    std::string received;
    testing::on_wait = [&] { received += read(reader()).value(); };
    auto const sent = write(writer(), std::string(Pipe::default_capacity + 500, 'x')).value();
    received += read(reader()).value();
    EXPECT_EQ(sent, Pipe::default_capacity + 500);
    EXPECT_EQ(received.size(), sent);
}

TEST_F(PipeTest, breaks_when_nobody_reads) {
    close_reader();
    EXPECT_EQ(write(writer(), "x").error(), Errno::epipe);
    EXPECT_EQ(broken_pipe_signals, 1);
    EXPECT_EQ(write(writer(), "").value(), 0u);  // what writes nothing needs no reader
    EXPECT_EQ(broken_pipe_signals, 1);
    EXPECT_EQ(writer().poll(nullptr) & poll_event::error, poll_event::error);
}

TEST_F(PipeTest, tells_what_it_is_ready_for) {
    EXPECT_EQ(reader().poll(nullptr), 0u);
    EXPECT_EQ(writer().poll(nullptr), poll_event::writable);
    ASSERT_TRUE(write(writer(), "x"));
    EXPECT_EQ(reader().poll(nullptr), poll_event::readable);
    close_writer();
    EXPECT_EQ(reader().poll(nullptr), poll_event::readable | poll_event::hang_up);
}

TEST_F(PipeTest, changes_its_capacity) {
    auto& pipe = file_cast<PipeFile>(reader())->pipe();
    ASSERT_TRUE(write(writer(), "kept"));
    EXPECT_EQ(pipe.set_capacity(5000).value(), 8192u);
    EXPECT_EQ(read(reader()).value(), "kept");
    ASSERT_TRUE(write(writer(), std::string(8000, 'x')));
    EXPECT_EQ(pipe.set_capacity(4096).error(), Errno::ebusy);
    EXPECT_EQ(pipe.set_capacity(2 << 20).error(), Errno::eperm);
}

TEST_F(PipeTest, joins_those_who_open_a_fifo) {
    auto file_system = OverlayFileSystem::create(nullptr, {}).value();
    auto mount = mount_file_system(*file_system, nullptr, "tmpfs", 0).value();
    Path const root{mount, Ref<Dentry>::share(mount->root())};
    auto context = FileSystemContext::create(root, root, 0).value();
    auto credentials = Credentials::create_root().value();
    WalkStart const start{*context, *credentials};
    ASSERT_TRUE(make_node(start, "/fifo", static_cast<std::uint32_t>(FileType::fifo) | 0644, 0));
    auto open = [&](std::uint32_t flags) { return open_file(start, "/fifo", flags, 0); };
    EXPECT_EQ(open(open_flag::write_only | open_flag::non_blocking).error(), Errno::enxio);
    EXPECT_EQ(open(open_flag::read_only).error(), Errno::erestartsys);  // waits for a writer
    RefOrNull<File> fifo_reader;
    testing::on_wait = [&] { fifo_reader = open(open_flag::read_only | open_flag::non_blocking).value(); };
    auto fifo_writer = open(open_flag::write_only).value();
    ASSERT_TRUE(write(*fifo_writer, "through"));
    EXPECT_EQ(read(*fifo_reader).value(), "through");
    fifo_reader = nullptr;
    EXPECT_EQ(write(*fifo_writer, "x").error(), Errno::epipe);
}

// ---- Locks, which wait in the same way ----

TEST(FileLocks, conflict_between_owners_only) {
    FileLocks locks;
    int first = 0;
    int second = 0;
    ASSERT_TRUE(locks.set_record({.range = {0, 99}, .is_exclusive = true, .owner = &first, .process = 7}, false));
    EXPECT_EQ(locks.set_record({.range = {50, 60}, .owner = &second}, false).error(), Errno::eagain);
    EXPECT_TRUE(locks.set_record({.range = {100, 110}, .is_exclusive = true, .owner = &second}, false));
    EXPECT_EQ(locks.conflicting_record({.range = {90, 95}, .owner = &second})->process, 7u);
    EXPECT_FALSE(locks.conflicting_record({.range = {0, 99}, .is_exclusive = true, .owner = &first}).has_value());
    // A hole in the middle leaves both sides locked.
    ASSERT_TRUE(locks.clear_record(&first, {40, 49}));
    EXPECT_TRUE(locks.set_record({.range = {40, 49}, .is_exclusive = true, .owner = &second}, false));
    EXPECT_EQ(locks.set_record({.range = {39, 39}, .owner = &second}, false).error(), Errno::eagain);
    EXPECT_EQ(locks.set_record({.range = {50, 50}, .owner = &second}, false).error(), Errno::eagain);
    locks.release_records(&first);
    EXPECT_TRUE(locks.set_record({.range = {0, 39}, .owner = &second}, false));
}

TEST(FileLocks, are_shared_by_readers_and_waited_for) {
    FileLocks locks;
    int first = 0;
    int second = 0;
    ASSERT_TRUE(locks.set_record({.owner = &first}, false));
    ASSERT_TRUE(locks.set_record({.owner = &second}, false));
    EXPECT_EQ(locks.set_record({.is_exclusive = true, .owner = &second}, false).error(), Errno::eagain);
    testing::on_wait = [&] { locks.release_records(&first); };
    EXPECT_TRUE(locks.set_record({.is_exclusive = true, .owner = &second}, true));
}

TEST(FileLocks, report_deadlocks) {
    FileLocks one;
    FileLocks other;
    int first = 0;
    int second = 0;
    ASSERT_TRUE(one.set_record({.is_exclusive = true, .owner = &first}, false));
    ASSERT_TRUE(other.set_record({.is_exclusive = true, .owner = &second}, false));
    LinuxResult<> closing;
    testing::on_wait = [&] {
        testing::on_wait = nullptr;
        closing = one.set_record({.is_exclusive = true, .owner = &second}, true);
        other.release_records(&second);
    };
    EXPECT_TRUE(other.set_record({.is_exclusive = true, .owner = &first}, true));
    EXPECT_EQ(closing.error(), Errno::edeadlock);
}

}  // namespace
}  // namespace astrata::linux_abi
