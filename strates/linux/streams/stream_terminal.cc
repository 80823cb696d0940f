#include "strates/linux/streams/stream_terminal.h"

#include <new>

#include "abi/system_calls.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint64_t room_pause_ns = 5'000'000;

}  // namespace

StreamTerminal::StreamTerminal(Ref<StreamOutput> output)
    : Terminal(::astrata::linux_abi::device_number(5, 1)), output_(std::move(output)) {}

StreamTerminal::~StreamTerminal() {
    if (input_) {
        stop_input();
        input_->close();
    }
}

LinuxResult<Ref<StreamTerminal>> StreamTerminal::create(sdk::UniqueHandle input, Ref<StreamOutput> output,
                                                        WindowSize size) {
    auto* made = new (std::nothrow) StreamTerminal(std::move(output));
    if (made == nullptr)
        return fail(Errno::enomem);
    auto terminal = Ref<StreamTerminal>::adopt(*made);
    terminal->set_window_size(size);
    terminal->input_ = LTRY(StreamInput::create(std::move(input), *terminal));
    return terminal;
}

LinuxResult<> StreamTerminal::start_input() {
    is_stopping_.store(false, std::memory_order_release);
    return input_->want(false);
}

void StreamTerminal::stop_input() {
    is_stopping_.store(true, std::memory_order_release);
    input_->pause();
    std::array<std::byte, LineDiscipline::capacity> unread;
    auto const count = take_unread(unread);
    input_->give_back(Bytes(unread).first(count));
    // In front of what was typed after it; what was typed before it, it has thrown away.
    if (std::array const key = {std::byte{unheard_key_.exchange(0)}}; key.front() != std::byte{})
        input_->give_back(key);
}

void StreamTerminal::on_unheard(Signal signal) {
    constexpr std::uint8_t interrupt_key = 0x03;
    constexpr std::uint8_t suspend_key = 0x1a;
    if (signal == Signal::sigint)
        unheard_key_.store(interrupt_key);
    else if (signal == Signal::sigtstp)
        unheard_key_.store(suspend_key);
}

void StreamTerminal::take(Bytes bytes) {
    while (!bytes.empty()) {
        bytes = bytes.subspan(receive(bytes));
        // A raw reader that lags behind. Rare enough, and the stream's own buffer slows the sender down, so looking
        // again now and then does; this thread is no task that could lie on a wait queue.
        if (!bytes.empty() && is_stopping_.load(std::memory_order_acquire)) {
            input_->give_back(bytes);
            return;
        }
        if (!bytes.empty())
            (void)sys::thread_sleep(sys::clock_now() + room_pause_ns);
    }
}

LinuxResult<std::size_t> StreamTerminal::send(Bytes bytes, bool) {
    LTRY(output_->write(bytes));
    return bytes.size();
}

}  // namespace astrata::linux_abi
