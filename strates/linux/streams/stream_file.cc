#include "strates/linux/streams/stream_file.h"

#include <algorithm>
#include <new>

#include "strates/linux/core/make.h"
#include "strates/linux/file/ioctl.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/vfs/clock.h"

namespace astrata::linux_abi {

Attributes outside_pipe_attributes() {
    auto const now = file_clock_ns();
    return {
        .node = 1,
        .mode = static_cast<std::uint32_t>(FileType::fifo) | 0600,
        .file_system = device_number(0, 12),
        .accessed_ns = now,
        .modified_ns = now,
        .changed_ns = now,
        .created_ns = now,
    };
}

LinuxResult<std::size_t> StreamOutputFile::write(IoBuffer& from, std::uint64_t&) {
    std::size_t done = 0;
    while (!from.is_done()) {
        std::array<std::byte, stream_chunk> chunk;
        auto const count = from.copy_in(chunk);
        if (!count)
            return done != 0 ? LinuxResult<std::size_t>(done) : count;
        if (auto const written = output_->write(Bytes(chunk).first(*count)); !written) {
            if (done != 0)
                return done;
            if (written.error() == Errno::epipe)
                send_to_current(Signal::sigpipe);
            return fail(written.error());
        }
        done += *count;
        if (*count == 0)
            break;
    }
    return done;
}

LinuxResult<> StreamOutputFile::read_attributes(Attributes& into) {
    into = outside_pipe_attributes();
    return {};
}

LinuxResult<Ref<StreamInputFile>> StreamInputFile::create(sdk::UniqueHandle endpoint) {
    auto* made = new (std::nothrow) StreamInputFile;
    if (made == nullptr)
        return fail(Errno::enomem);
    auto file = Ref<StreamInputFile>::adopt(*made);
    file->input_ = LTRY(StreamInput::create(std::move(endpoint), *file));
    return file;
}

StreamInputFile::~StreamInputFile() {
    if (!input_)
        return;
    input_->close();
    Lock lock(mutex_);
    input_->give_back(Bytes(buffer_).subspan(begin_, count_));
}

void StreamInputFile::take(Bytes bytes) {
    Lock lock(mutex_);
    std::ranges::copy(bytes, buffer_.begin());
    begin_ = 0;
    count_ = bytes.size();
    readable_.wake_all(poll_event::readable);
}

void StreamInputFile::end() {
    Lock lock(mutex_);
    has_ended_ = true;
    readable_.wake_all(poll_event::readable | poll_event::hang_up);
}

LinuxResult<std::size_t> StreamInputFile::read(IoBuffer& into, std::uint64_t&) {
    if (into.is_done())
        return std::size_t{0};
    Lock lock(mutex_);
    while (count_ == 0) {
        if (has_ended_)
            return std::size_t{0};
        LTRY(input_->want(true));
        if (is_non_blocking())
            return fail(Errno::eagain);
        LTRY(wait(readable_, mutex_));
    }
    auto const done = LTRY(into.copy_out(Bytes(buffer_).subspan(begin_, count_)));
    begin_ += done;
    count_ -= done;
    return done;
}

std::uint32_t StreamInputFile::poll(PollTable* table) {
    if (table != nullptr)
        table->add(readable_);
    Lock lock(mutex_);
    if (count_ != 0)
        return poll_event::readable;
    if (has_ended_)
        return poll_event::hang_up | poll_event::readable;
    (void)input_->want(true);  // without a thread it stays unreadable, and read() says why
    return 0;
}

LinuxResult<std::int64_t> StreamInputFile::ioctl(std::uint32_t request, std::uint64_t argument) {
    if (request != ioctl_request::readable_bytes)
        return fail(Errno::enotty);
    std::int32_t count = 0;
    {
        Lock lock(mutex_);
        count = static_cast<std::int32_t>(count_);
    }
    LTRY(write_guest(GuestAddress{argument}, count));
    return 0;
}

LinuxResult<> StreamInputFile::read_attributes(Attributes& into) {
    into = outside_pipe_attributes();
    return {};
}

}  // namespace astrata::linux_abi
