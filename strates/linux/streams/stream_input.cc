#include "strates/linux/streams/stream_input.h"

#include <new>
#include <utility>

#include "abi/stream.h"
#include "sdk/thread.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint64_t pump_stack_bytes = 64 * 1024;

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

void StreamInput::pause() {
    sdk::MutexLock lock(mutex_);
    demand_ = Demand::none;
    while (is_delivering_)
        changed_.wait(mutex_);
}

void StreamInput::close() {
    sdk::MutexLock lock(mutex_);
    consumer_ = nullptr;
    demand_ = Demand::none;
    changed_.notify_all();
    while (is_delivering_)
        changed_.wait(mutex_);
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
    while (consumer_ != nullptr && demand_ == Demand::none)
        changed_.wait(mutex_);
    return consumer_ != nullptr;
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

void StreamInput::run() {
    abi::StreamClient const stream(endpoint_.get());
    while (wait_for_demand()) {
        auto const piece = retry_stream_call([&] { return stream.read(stream_chunk); });
        if (!piece || piece->view().empty()) {
            deliver({});
            return;
        }
        deliver(piece->view());
    }
}

}  // namespace astrata::linux_abi
