#include "strates/linux/pipe/pipe.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "strates/linux/core/make.h"
#include "strates/linux/file/ioctl.h"
#include "strates/linux/file/special.h"
#include "strates/linux/file/text.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/vfs/clock.h"

namespace astrata::linux_abi {

namespace {

std::atomic<std::uint64_t> next_pipe_number = 1;

}  // namespace

LinuxResult<Ref<Pipe>> Pipe::create() {
    auto* pipe = new (std::nothrow) Pipe(next_pipe_number.fetch_add(1, std::memory_order_relaxed));
    if (pipe == nullptr)
        return fail(Errno::enomem);
    return Ref<Pipe>::adopt(*pipe);
}

std::span<std::byte> Pipe::buffer_locked() {
#pragma clang unsafe_buffer_usage begin  // capacity_ is the array's length
    return {memory_.get(), memory_ == nullptr ? 0 : capacity_};
#pragma clang unsafe_buffer_usage end
}

LinuxResult<> Pipe::ensure_buffer_locked() {
    if (memory_ != nullptr)
        return {};
    memory_.reset(new (std::nothrow) std::byte[capacity_]);
    if (memory_ == nullptr)
        return fail(Errno::enomem);
    return {};
}

// As much as lies in one piece.
[[gnu::always_inline]] inline LinuxResult<std::size_t> Pipe::take_piece_locked(IoBuffer& into) {
    auto const part = std::min(count_, capacity_ - begin_);
    auto const copied = LTRY(into.copy_out(buffer_locked().subspan(begin_, part)));
    count_ -= copied;
    // An empty pipe starts over: ping-pong traffic then stays in one warm page.
    begin_ = count_ == 0 ? 0 : (begin_ + copied) & (capacity_ - 1);
    return copied;
}

LinuxResult<std::size_t> Pipe::take_locked(IoBuffer& into) {
    auto const done = LTRY(take_piece_locked(into));
    if (count_ == 0 || begin_ != 0 || into.is_done()) [[likely]]
        return done;
    return done + take_piece_locked(into).value_or(0);
}

[[gnu::always_inline]] inline LinuxResult<std::size_t> Pipe::put_piece_locked(IoBuffer& from, std::size_t limit) {
    auto const end = (begin_ + count_) & (capacity_ - 1);
    auto const part =
        std::min({limit, capacity_ - count_, capacity_ - end, static_cast<std::size_t>(from.remaining())});
    auto const copied = LTRY(from.copy_in(buffer_locked().subspan(end, part)));
    count_ += copied;
    return copied;
}

LinuxResult<std::size_t> Pipe::put_locked(IoBuffer& from, std::size_t limit) {
    auto const done = LTRY(put_piece_locked(from, limit));
    bool const goes_on_at_start = ((begin_ + count_) & (capacity_ - 1)) == 0 && count_ != capacity_;
    if (done >= limit || !goes_on_at_start || from.is_done()) [[likely]]
        return done;
    return done + put_piece_locked(from, limit - done).value_or(0);
}

LinuxResult<std::size_t> Pipe::read(IoBuffer& into, bool non_blocking) {
    if (into.is_done())
        return std::size_t{0};
    Lock lock(mutex_);
    while (count_ == 0) {
        if (writers_ == 0)
            return std::size_t{0};
        if (non_blocking)
            return fail(Errno::eagain);
        LTRY(wait(readable_, mutex_));
    }
    auto const done = take_locked(into);
    if (!writable_.is_empty())
        writable_.wake_all(poll_event::writable);
    return done;
}

LinuxResult<std::size_t> Pipe::write(IoBuffer& from, bool non_blocking) {
    Lock lock(mutex_);
    // Up to PIPE_BUF bytes go in whole or not at all.
    auto const wanted = from.remaining();
    auto const whole = wanted <= atomic_write ? wanted : 1;
    std::size_t done = 0;
    while (done < wanted) {
        if (readers_ == 0) {
            if (done != 0)
                break;
            lock.unlock();
            send_to_current(Signal::sigpipe);
            return fail(Errno::epipe);
        }
        auto const room = capacity_ - count_;
        if (room >= std::max<std::size_t>(whole, 1)) {
            LTRY(ensure_buffer_locked());
            auto const put = put_locked(from, wanted - done);
            if (!put) {
                if (done == 0)
                    return put;
                break;
            }
            done += *put;
            readable_.wake_all(poll_event::readable);
            if (*put == 0)
                break;
            continue;
        }
        if (non_blocking) {
            if (done == 0)
                return fail(Errno::eagain);
            break;
        }
        if (auto const waited = wait(writable_, mutex_); !waited) {
            if (done == 0)
                return fail(waited.error());
            break;
        }
    }
    return done;
}

std::uint32_t Pipe::poll(PollTable* table, bool reads, bool writes) {
    if (table != nullptr) {
        if (reads)
            table->add(readable_);
        if (writes)
            table->add(writable_);
    }
    Lock lock(mutex_);
    std::uint32_t events = 0;
    if (reads) {
        if (count_ != 0)
            events |= poll_event::readable;
        if (writers_ == 0 && writer_opens_ != 0)
            events |= poll_event::hang_up;
    }
    if (writes) {
        if (capacity_ - count_ >= atomic_write)
            events |= poll_event::writable;
        if (readers_ == 0)
            events |= poll_event::error;
    }
    return events;
}

std::size_t Pipe::readable_bytes() {
    Lock lock(mutex_);
    return count_;
}

std::size_t Pipe::capacity() {
    Lock lock(mutex_);
    return capacity_;
}

LinuxResult<std::size_t> Pipe::set_capacity(std::size_t bytes) {
    if (bytes > capacity_limit)
        return fail(Errno::eperm);
    std::size_t wanted = 4096;
    while (wanted < bytes)
        wanted *= 2;
    std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[wanted]);
    if (memory == nullptr)
        return fail(Errno::enomem);
    Lock lock(mutex_);
    if (count_ > wanted)
        return fail(Errno::ebusy);
    if (memory_ != nullptr) {
#pragma clang unsafe_buffer_usage begin  // made with this size just now
        auto into = IoBuffer::from_memory(MutableBytes(memory.get(), count_));
#pragma clang unsafe_buffer_usage end
        LTRY(take_locked(into));
        count_ = into.transferred();
    }
    begin_ = 0;
    memory_ = std::move(memory);
    capacity_ = wanted;
    writable_.wake_all(poll_event::writable);
    return wanted;
}

void Pipe::open_end(bool reads, bool writes) {
    Lock lock(mutex_);
    readers_ += reads ? 1 : 0;
    reader_opens_ += reads ? 1 : 0;
    writers_ += writes ? 1 : 0;
    writer_opens_ += writes ? 1 : 0;
    opened_.wake_all();
}

bool Pipe::close_end(bool reads, bool writes) {
    Lock lock(mutex_);
    readers_ -= reads ? 1 : 0;
    writers_ -= writes ? 1 : 0;
    if (readers_ == 0)
        writable_.wake_all(poll_event::writable | poll_event::error);
    if (writers_ == 0)
        readable_.wake_all(poll_event::readable | poll_event::hang_up);
    return readers_ == 0 && writers_ == 0;
}

LinuxResult<> Pipe::wait_for_reader(std::uint64_t opens) {
    Lock lock(mutex_);
    while (readers_ == 0 && reader_opens_ == opens)
        LTRY(wait(opened_, mutex_));
    return {};
}

LinuxResult<> Pipe::wait_for_writer(std::uint64_t opens) {
    Lock lock(mutex_);
    while (writers_ == 0 && writer_opens_ == opens)
        LTRY(wait(opened_, mutex_));
    return {};
}

bool Pipe::has_reader() {
    Lock lock(mutex_);
    return readers_ != 0;
}

bool Pipe::is_unused() {
    Lock lock(mutex_);
    return readers_ == 0 && writers_ == 0;
}

std::uint64_t Pipe::reader_opens() {
    Lock lock(mutex_);
    return reader_opens_;
}

std::uint64_t Pipe::writer_opens() {
    Lock lock(mutex_);
    return writer_opens_;
}

// ---- The file ----

PipeFile::PipeFile(Path const* path, Ref<Pipe> pipe, std::uint32_t flags)
    : File(path, flags), pipe_(std::move(pipe)), created_ns_(file_clock_ns()) {
    pipe_->open_end(can_read(), can_write());
}

LinuxResult<std::size_t> PipeFile::read(IoBuffer& into, std::uint64_t&) {
    return pipe_->read(into, is_non_blocking());
}

LinuxResult<std::size_t> PipeFile::write(IoBuffer& from, std::uint64_t&) {
    return pipe_->write(from, is_non_blocking());
}

LinuxResult<std::int64_t> PipeFile::ioctl(std::uint32_t request, std::uint64_t argument) {
    if (request != ioctl_request::readable_bytes)
        return fail(Errno::enotty);
    LTRY(write_guest(GuestAddress{argument}, static_cast<std::int32_t>(pipe_->readable_bytes())));
    return std::int64_t{0};
}

std::uint32_t PipeFile::poll(PollTable* table) {
    return pipe_->poll(table, can_read(), can_write());
}

LinuxResult<> PipeFile::read_attributes(Attributes& into) {
    if (auto* of = inode(); of != nullptr)
        return of->read_attributes(into);
    into = Attributes{
        .node = pipe_->number,
        .mode = static_cast<std::uint32_t>(FileType::fifo) | 0600,
        .file_system = device_number(0, 12),
        .accessed_ns = created_ns_,
        .modified_ns = created_ns_,
        .changed_ns = created_ns_,
        .created_ns = created_ns_,
    };
    return {};
}

LinuxResult<Ref<File>> PipeFile::open_again(std::uint32_t flags) {
    return Ref<File>(LTRY(make_ref<PipeFile>(nullptr, pipe_, flags)));
}

std::string_view PipeFile::describe(std::span<char> into) const {
    TextWriter text(into);
    text.put("pipe:[").put_decimal(pipe_->number).put("]");
    return text.view();
}

LinuxResult<PipeEnds> make_pipe(std::uint32_t flags) {
    auto pipe = LTRY(Pipe::create());
    auto read_end = LTRY(make_ref<PipeFile>(nullptr, pipe, flags | open_flag::read_only));
    auto write_end = LTRY(make_ref<PipeFile>(nullptr, pipe, flags | open_flag::write_only));
    return PipeEnds{Ref<File>(std::move(read_end)), Ref<File>(std::move(write_end))};
}

// ---- FIFOs ----

namespace {

// Guards Inode::fifo, the pipe behind each FIFO that is open somewhere: set by the first open file, cleared by the
// last.
constinit Mutex fifo_mutex;

}  // namespace

PipeFile::~PipeFile() {
    auto* fifo = inode();
    if (fifo == nullptr) {
        pipe_->close_end(can_read(), can_write());
        return;
    }
    Lock lock(fifo_mutex);
    if (pipe_->close_end(can_read(), can_write()))
        fifo->fifo = nullptr;
}

LinuxResult<Ref<File>> open_fifo(Inode& inode, Path const& path, std::uint32_t flags) {
    auto const access = flags & open_flag::access_mode;
    bool const non_blocking = (flags & open_flag::non_blocking) != 0;
    RefOrNull<PipeFile> file;
    std::uint64_t opens_before = 0;
    {
        auto fresh = LTRY(Pipe::create());
        Lock lock(fifo_mutex);
        auto pipe = inode.fifo != nullptr ? Ref<Pipe>::share(*inode.fifo) : std::move(fresh);
        if (access == open_flag::write_only && non_blocking && !pipe->has_reader())
            return fail(Errno::enxio);
        opens_before = access == open_flag::read_only ? pipe->writer_opens() : pipe->reader_opens();
        inode.fifo = pipe.get();
        auto made = make_ref<PipeFile>(&path, pipe, flags);
        if (!made) {
            if (pipe->is_unused())
                inode.fifo = nullptr;
            return fail(made.error());
        }
        file = std::move(*made);
    }
    if (!non_blocking && access == open_flag::read_only)
        LTRY(file->pipe().wait_for_writer(opens_before));
    if (!non_blocking && access == open_flag::write_only)
        LTRY(file->pipe().wait_for_reader(opens_before));
    return Ref<File>::adopt(*file.leak());
}

}  // namespace astrata::linux_abi
