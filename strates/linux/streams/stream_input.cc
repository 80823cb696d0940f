#include "strates/linux/streams/stream_input.h"

#include <new>
#include <utility>

#include "abi/stream.h"
#include "sdk/thread.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint64_t pump_stack_bytes = 64 * 1024;
constexpr std::uint64_t recall_pause_ns = 5'000'000;
constexpr unsigned recall_limit = 40;
// Before asking again after somebody else has taken the stream over: two readers must not keep each other from reading.
constexpr std::uint64_t yield_pause_ns = 10'000'000;

}  // namespace

LinuxResult<Ref<StreamInput>> StreamInput::create(sdk::UniqueHandle endpoint, StreamConsumer& consumer) {
    auto* input = new (std::nothrow) StreamInput(std::move(endpoint), consumer);
    if (input == nullptr)
        return fail(Errno::enomem);
    return Ref<StreamInput>::adopt(*input);
}

LinuxResult<> StreamInput::want(bool once) {
    sdk::MutexLock lock(mutex_);
    if (!has_thread_ && !has_ended_) {
        add_reference();  // the thread's
        auto thread = sdk::Thread::spawn(&StreamInput::thread_main, this, "stream-input", pump_stack_bytes);
        if (!thread) {
            drop_reference();
            return fail(to_errno(thread.error()));
        }
        has_thread_ = true;
    }
    if (!once)
        demand_ = Demand::always;
    else if (demand_ == Demand::none)
        demand_ = Demand::once;
    changed_.notify_all();
    return {};
}

// Calls the thread's read back and waits until the thread has given back what that brought, if anything: what the
// stream holds is then exactly what nobody has taken. Repeated, since the thread may still be on its way to the stream.
void StreamInput::call_back() {
    abi::StreamClient const stream(endpoint_.get());
    for (unsigned attempt = 0; attempt < recall_limit && is_reading_; ++attempt) {
        mutex_.unlock();
        auto const called = retry_interrupted([&] { return stream.unread({}); });
        mutex_.lock();
        // A provider that has gone, or that cannot call back: whatever comes is given back when it does.
        if (!called)
            return;
        if (is_reading_)
            changed_.wait(mutex_, sys::clock_now() + recall_pause_ns);
    }
}

void StreamInput::pause() {
    sdk::MutexLock lock(mutex_);
    demand_ = Demand::none;
    while (is_delivering_)
        changed_.wait(mutex_);
    call_back();
}

void StreamInput::close() {
    sdk::MutexLock lock(mutex_);
    consumer_ = nullptr;
    demand_ = Demand::none;
    changed_.notify_all();
    while (is_delivering_)
        changed_.wait(mutex_);
    call_back();
}

void StreamInput::give_back(Bytes bytes) {
    abi::StreamClient const stream(endpoint_.get());
    while (!bytes.empty()) {
        // The last piece first: each goes in front of what is there.
        auto const part = bytes.last(std::min(bytes.size(), stream_chunk));
        if (!retry_stream_call([&] { return stream.unread(part); }))
            return;  // nobody is left to read it
        bytes = bytes.first(bytes.size() - part.size());
    }
}

void StreamInput::thread_main(void* input) {
    auto* self = static_cast<StreamInput*>(input);
    self->run();
    self->drop_reference();
}

// False when the stream is not needed any more.
bool StreamInput::wait_for_demand() {
    sdk::MutexLock lock(mutex_);
    is_reading_ = false;
    changed_.notify_all();
    while (consumer_ != nullptr && demand_ == Demand::none)
        changed_.wait(mutex_);
    is_reading_ = consumer_ != nullptr;
    return is_reading_;
}

void StreamInput::deliver(Bytes bytes) {
    StreamConsumer* consumer = nullptr;
    {
        sdk::MutexLock lock(mutex_);
        if (consumer_ != nullptr && (demand_ != Demand::none || bytes.empty())) {
            consumer = consumer_;
            is_delivering_ = true;
            has_ended_ |= bytes.empty();
            if (demand_ == Demand::once)
                demand_ = Demand::none;
        }
    }
    if (consumer == nullptr) {
        give_back(bytes);
        return;
    }
    if (bytes.empty())
        consumer->end();
    else
        consumer->take(bytes);
    sdk::MutexLock lock(mutex_);
    is_delivering_ = false;
    changed_.notify_all();
}

// The read was called back by call_back(), or by another reader of the stream.
void StreamInput::pause_after_cancellation() {
    sdk::MutexLock lock(mutex_);
    if (demand_ != Demand::none)
        changed_.wait(mutex_, sys::clock_now() + yield_pause_ns);
}

void StreamInput::run() {
    abi::StreamClient const stream(endpoint_.get());
    while (wait_for_demand()) {
        auto const piece = retry_stream_call([&] { return stream.read(stream_chunk); });
        if (!piece && piece.error() == Error::cancelled) {
            pause_after_cancellation();
            continue;
        }
        if (!piece || piece->view().empty()) {
            deliver({});
            break;
        }
        deliver(piece->view());
    }
    sdk::MutexLock lock(mutex_);
    is_reading_ = false;
    changed_.notify_all();
}

}  // namespace astrata::linux_abi
