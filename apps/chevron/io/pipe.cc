#include "apps/chevron/io/pipe.h"

#include <algorithm>

namespace astrata::chevron {

Result<Pipe::Ends> Pipe::create() {
    auto pipe = TRY(make_ref<Pipe>());
    auto reader = TRY(make_ref<PipeReader>(pipe));
    auto writer = TRY(make_ref<PipeWriter>(pipe));
    return Ends{.reader = std::move(reader), .writer = std::move(writer), .pipe = std::move(pipe)};
}

Result<std::size_t> Pipe::read(MutableBytes into, bool may_wait) {
    Lock lock(mutex_);
    while (used_ == 0) {
        if (!has_reader_)
            return fail(Error::interrupted);
        if (!has_writer_)
            return 0;
        if (!is_wanted_) {
            is_wanted_ = true;
            changed();
        }
        if (!may_wait)
            return fail(Error::would_block);
        condition_.wait(mutex_);
    }
    is_wanted_ = false;
    auto const count = std::min({into.size(), used_, capacity - first_});
    std::ranges::copy(std::span(buffer_).subspan(first_, count), into.begin());
    first_ = (first_ + count) % capacity;
    used_ -= count;
    changed();
    return count;
}

Result<std::size_t> Pipe::write(Bytes bytes, bool may_wait) {
    Lock lock(mutex_);
    while (has_reader_ && used_ == capacity) {
        if (!may_wait)
            return fail(Error::would_block);
        condition_.wait(mutex_);
    }
    if (!has_reader_)
        return fail(Error::peer_closed);
    auto const last = (first_ + used_) % capacity;
    auto const count = std::min({bytes.size(), capacity - used_, capacity - last});
    std::ranges::copy(bytes.first(count), std::span(buffer_).subspan(last).begin());
    used_ += count;
    changed();
    return count;
}

void Pipe::close_reader() {
    Lock lock(mutex_);
    has_reader_ = false;
    used_ = 0;
    changed();
}

void Pipe::close_writer() {
    Lock lock(mutex_);
    has_writer_ = false;
    changed();
}

void Pipe::set_waker(Waker* waker) {
    Lock lock(mutex_);
    waker_ = waker;
}

bool Pipe::is_wanted() {
    Lock lock(mutex_);
    return is_wanted_;
}

void Pipe::changed() {
    condition_.notify_all();
    if (waker_ != nullptr)
        waker_->wake();
}

Result<> PipeWriter::write(Bytes bytes) {
    while (!bytes.empty())
        bytes = bytes.subspan(TRY(pipe_->write(bytes, true)));
    return {};
}

}  // namespace astrata::chevron
