#include "strates/session/program_input.h"

#include <algorithm>
#include <new>

#include "sdk/thread.h"

namespace astrata::session {
namespace {

constexpr std::size_t chunk_limit = 4000;             // bytes of one Stream.read
constexpr std::uint64_t retry_pause_ns = 20'000'000;  // while the port's driver is being restarted
constexpr unsigned retry_limit = 250;

}  // namespace

Result<ProgramInput*> ProgramInput::create(sdk::UniqueHandle port, abi::Handle output, TerminalSize size) {
    auto* const input = new (std::nothrow) ProgramInput;
    if (input == nullptr)
        return fail(Error::no_memory);
    input->port_ = std::move(port);
    input->output_ = output;
    input->resize(size);
    sdk::UniqueHandle served(TRY(sys::endpoint_create()));
    input->endpoint_ = TRY(served.duplicate(abi::Rights::send | abi::Rights::duplicate | abi::Rights::transfer));
    input->changed_ = sdk::UniqueHandle(TRY(sys::notification_create()));
    input->loop_.emplace(TRY(sdk::EventLoop::create()));
    TRY(input->loop_->serve(std::move(served), *input));
    TRY(input->loop_->on_signal(input->changed_.get(), *input));
    TRY(sdk::Thread::spawn(&serve, input, "serve input"));
    TRY(sdk::Thread::spawn(&pump, input, "read input"));
    return input;
}

void ProgramInput::serve(void* input) {
    (void)static_cast<ProgramInput*>(input)->loop_->run();
}

void ProgramInput::pump(void* input) {
    static_cast<ProgramInput*>(input)->read_port();
}

void ProgramInput::read_port() {
    abi::StreamClient const port(port_.get());
    unsigned attempts = 0;
    for (;;) {
        std::size_t room = 0;
        {
            sdk::MutexLock lock(mutex_);
            while (!queue_.is_at_end() && queue_.space().empty())
                has_room_.wait(mutex_);
            if (queue_.is_at_end())
                return;
            room = queue_.space().size();
        }
        auto const received = port.read(static_cast<std::uint32_t>(std::min(room, chunk_limit)));
        if (!received && ++attempts < retry_limit) {
            (void)sys::thread_sleep(sys::clock_now() + retry_pause_ns);
            continue;
        }
        sdk::MutexLock lock(mutex_);
        if (received && !received->is_empty()) {
            attempts = 0;
            // Room only grows while the lock is open, unless the end has come meanwhile.
            auto const space = queue_.space();
            auto const count = static_cast<std::size_t>(
                std::min<std::uint64_t>({received->size(), space.size(), queue_.outstanding()}));
            std::ranges::copy(received->view().first(count), space.begin());
            queue_.added(count);
        } else {
            queue_.close_now();
        }
        (void)sys::notification_signal(changed_.get(), 1);
    }
}

void ProgramInput::close_after(std::uint64_t total) {
    sdk::MutexLock lock(mutex_);
    queue_.close_after(total);
    has_room_.notify_all();
    (void)sys::notification_signal(changed_.get(), 1);
}

void ProgramInput::resize(TerminalSize size) {
    sdk::MutexLock lock(mutex_);
    size_ = size;
}

void ProgramInput::read(sdk::Caller const&, ReadRequest const& request, ReadResponder responder) {
    sdk::MutexLock lock(mutex_);
    if (request.limit == 0)
        return responder.fail(Error::invalid_argument);
    if (reader_count_ == reader_limit)
        return responder.fail(Error::no_resources);
    readers_[reader_count_].emplace(std::move(responder), std::min<std::size_t>(request.limit, chunk_limit));
    ++reader_count_;
    answer();
}

void ProgramInput::answer() {
    while (reader_count_ != 0 && (!queue_.is_empty() || queue_.is_at_end())) {
        auto reader = std::move(readers_.front());
        std::ranges::move(std::span(readers_).first(reader_count_).subspan(1), readers_.begin());
        --reader_count_;
        readers_[reader_count_].reset();
        reader->responder.reply(queue_.take(reader->limit));
        has_room_.notify_all();
    }
}

void ProgramInput::on_signal(std::uint64_t) {
    sdk::MutexLock lock(mutex_);
    answer();
}

void ProgramInput::write(sdk::Caller const&, WriteRequest const& request, WriteResponder responder) {
    if (output_ == 0)
        return responder.fail(Error::not_supported);
    auto const done = abi::StreamClient(output_).write(request.bytes);
    if (!done)
        return responder.fail(done.error());
    written_.fetch_add(request.bytes.size(), std::memory_order_relaxed);
    responder.reply();
}

void ProgramInput::unread(sdk::Caller const&, UnreadRequest const& request, UnreadResponder responder) {
    // Nobody reads the input after the program, so bytes can go; without any, reads that wait are called back.
    sdk::MutexLock lock(mutex_);
    while (request.bytes.empty() && reader_count_ != 0) {
        --reader_count_;
        readers_[reader_count_]->responder.fail(Error::cancelled);
        readers_[reader_count_].reset();
    }
    responder.reply();
}

void ProgramInput::size(sdk::Caller const&, SizeRequest const&, SizeResponder responder) {
    sdk::MutexLock lock(mutex_);
    responder.reply(size_.columns, size_.rows);
}

}  // namespace astrata::session
