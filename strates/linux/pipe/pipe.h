// Pipes and FIFOs (pipe(7), fifo(7)): bytes from writers to readers through a buffer of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/core/wait.h"
#include "strates/linux/file/file.h"

namespace astrata::linux_abi {

/// What both ends share.
class Pipe : public RefCounted<Pipe> {
public:
    static void destroy(Pipe* pipe) { delete pipe; }
    static constexpr std::size_t default_capacity = 65536;
    static constexpr std::size_t capacity_limit = 1 << 20;  // fs.pipe-max-size
    static constexpr std::size_t atomic_write = 4096;       // PIPE_BUF

    static LinuxResult<Ref<Pipe>> create();

    /// errors    eagain, erestartsys, efault, enomem
    LinuxResult<std::size_t> read(IoBuffer& into, bool non_blocking);
    /// errors    epipe (no reader; SIGPIPE has been sent), eagain, erestartsys, efault, enomem
    LinuxResult<std::size_t> write(IoBuffer& from, bool non_blocking);
    std::uint32_t poll(PollTable* table, bool reads, bool writes);
    [[nodiscard]] std::size_t readable_bytes();
    [[nodiscard]] std::size_t capacity();
    /// errors    ebusy (holds more), eperm (above the limit), enomem
    LinuxResult<std::size_t> set_capacity(std::size_t bytes);

    void open_end(bool reads, bool writes);
    /// Returns whether that was the last open end.
    bool close_end(bool reads, bool writes);
    /// FIFO: waits until the other side is open, or was opened since it had been `opens` times.
    LinuxResult<> wait_for_reader(std::uint64_t opens);
    LinuxResult<> wait_for_writer(std::uint64_t opens);
    [[nodiscard]] bool has_reader();
    [[nodiscard]] bool is_unused();
    [[nodiscard]] std::uint64_t reader_opens();
    [[nodiscard]] std::uint64_t writer_opens();

    std::uint64_t const number;  // the inode number it shows

private:
    friend class RefCounted<Pipe>;
    explicit Pipe(std::uint64_t number) : number(number) {}
    ~Pipe() = default;

    [[nodiscard]] std::span<std::byte> buffer_locked() REQUIRES(mutex_);
    LinuxResult<> ensure_buffer_locked() REQUIRES(mutex_);
    LinuxResult<std::size_t> take_piece_locked(IoBuffer& into) REQUIRES(mutex_);
    LinuxResult<std::size_t> put_piece_locked(IoBuffer& from, std::size_t limit) REQUIRES(mutex_);
    LinuxResult<std::size_t> take_locked(IoBuffer& into) REQUIRES(mutex_);
    LinuxResult<std::size_t> put_locked(IoBuffer& from, std::size_t limit) REQUIRES(mutex_);

    Mutex mutex_;
    std::unique_ptr<std::byte[]> memory_ GUARDED_BY(mutex_);      // made by the first write
    std::size_t capacity_ GUARDED_BY(mutex_) = default_capacity;  // a power of two
    std::size_t begin_ GUARDED_BY(mutex_) = 0;
    std::size_t count_ GUARDED_BY(mutex_) = 0;
    std::uint32_t readers_ GUARDED_BY(mutex_) = 0;
    std::uint32_t writers_ GUARDED_BY(mutex_) = 0;
    std::uint64_t reader_opens_ GUARDED_BY(mutex_) = 0;  // ever: a FIFO's opener sees also who came and went
    std::uint64_t writer_opens_ GUARDED_BY(mutex_) = 0;
    WaitQueue readable_;
    WaitQueue writable_;
    WaitQueue opened_;
};

/// An open end. Of a FIFO it has a path.
class PipeFile final : public File {
public:
    static constexpr char kind_mark = 0;
    PipeFile(Path const* path, Ref<Pipe> pipe, std::uint32_t flags);

    LinuxResult<std::size_t> read(IoBuffer& into, std::uint64_t& position) override;
    LinuxResult<std::size_t> write(IoBuffer& from, std::uint64_t& position) override;
    LinuxResult<std::int64_t> ioctl(std::uint32_t request, std::uint64_t argument) override;
    std::uint32_t poll(PollTable* table) override;
    LinuxResult<> read_attributes(Attributes& into) override;
    LinuxResult<Ref<File>> open_again(std::uint32_t flags) override;
    std::string_view describe(std::span<char> into) const override;
    [[nodiscard]] void const* kind() const override { return &kind_mark; }
    [[nodiscard]] Pipe& pipe() const { return *pipe_; }

private:
    ~PipeFile() override;
    Ref<Pipe> pipe_;
    std::int64_t const created_ns_;
};

struct PipeEnds {
    Ref<File> read_end;
    Ref<File> write_end;
};
/// pipe2(2). flags: O_NONBLOCK, O_DIRECT (accepted; reads are not split in packets then).
LinuxResult<PipeEnds> make_pipe(std::uint32_t flags);

}  // namespace astrata::linux_abi
