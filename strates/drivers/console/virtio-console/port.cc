#include "strates/drivers/console/virtio-console/port.h"

#include <algorithm>
#include <new>

namespace astrata::virtio_console {

namespace {

constexpr std::size_t input_bytes = 4096;  // received and taken out of its buffer, beside what waits in buffers
constexpr std::size_t waiting_writers = 16;

virtio::DmaBlock buffer_of(virtio::DmaBlock const& memory, std::uint16_t index) {
    auto const offset = index * buffer_bytes;
    return {.memory = memory.memory.subspan(offset, buffer_bytes), .device_address = memory.device_address + offset};
}

}  // namespace

void Port::set_name(std::string_view name) {
    // Names are shown to people and compared; anything odd in them is the host's mistake and cut off.
    auto const end = std::ranges::find_if(name, [](char letter) { return letter <= ' ' || letter > '~'; });
    name_ = abi::Text<name_limit>::from(name.substr(0, static_cast<std::size_t>(end - name.begin())));
}

void Port::set_host_connected(bool is_connected) {
    is_host_connected_ = is_connected;
    was_host_connected_ = was_host_connected_ || is_connected;
    // Closing takes effect in poll(), when everything received before it has been seen.
    if (is_connected && input_)
        input_->reopen();
}

void Port::remove() {
    exists_ = false;
    name_ = {};
    is_host_connected_ = was_host_connected_ = false;
    if (!is_open_)
        return;
    input_->fail_all(Error::no_device);
    while (auto waiting = waiting_.pop_front())
        waiting->responder->fail(Error::no_device);
}

Result<> Port::open(virtio::DmaSource& dma) {
    if (is_open_)
        return {};
    auto input = TRY(stream::Input<Read>::create(input_bytes));
    auto filled = TRY(RingBuffer<Filled>::create(buffers));
    auto waiting = TRY(RingBuffer<Waiting>::create(waiting_writers));
    auto const memory = TRY(dma.allocate(2 * buffers * buffer_bytes));
    receive_memory_ = TRY(memory.part(0, buffers * buffer_bytes));
    transmit_memory_ = TRY(memory.part(buffers * buffer_bytes, buffers * buffer_bytes));
    input_ = std::move(input);
    filled_ = std::move(filled);
    waiting_ = std::move(waiting);
    is_open_ = true;
    for (std::uint16_t buffer = 0; buffer < buffers; ++buffer)
        TRY(give_back(buffer));
    notify(receive_, receive_queue(number_));
    return {};
}

void Port::notify(virtio::SplitQueue& queue, std::uint16_t number) {
    if (queue.publish())
        transport_.notify(number);
}

Result<> Port::give_back(std::uint16_t buffer) {
    virtio::Segment const segment{.device_address = buffer_of(receive_memory_, buffer).device_address,
                                  .length = buffer_bytes};
    return receive_.add({}, std::span(&segment, 1), buffer);
}

void Port::read(std::uint32_t limit, Read responder) {
    if (!exists_)
        return responder.fail(Error::no_device);
    input_->read(limit, std::move(responder));
}

void Port::write(Bytes bytes, Write responder) {
    if (!exists_)
        return responder.fail(Error::no_device);
    if (bytes.empty())
        return responder.reply();
    auto const free = std::ranges::find(is_busy_, false);
    if (waiting_.is_empty() && free != is_busy_.end()) {
        send(static_cast<std::uint16_t>(free - is_busy_.begin()), bytes, std::move(responder));
        notify(transmit_, transmit_queue(number_));
        return;
    }
    if (waiting_.is_full())
        return responder.fail(Error::no_resources);
    std::unique_ptr<std::byte[]> copy(new (std::nothrow) std::byte[bytes.size()]);
    if (copy == nullptr)
        return responder.fail(Error::no_memory);
    std::ranges::copy(bytes, copy.get());
    (void)waiting_.push_back(Waiting{std::move(copy), bytes.size(), std::move(responder)});
}

void Port::send(std::uint16_t buffer, Bytes bytes, Write responder) {
    auto const block = buffer_of(transmit_memory_, buffer);
    std::ranges::copy(bytes, block.memory.begin());  // a message is shorter than a buffer
    virtio::Segment const segment{.device_address = block.device_address,
                                  .length = static_cast<std::uint32_t>(bytes.size())};
    if (auto const added = transmit_.add(std::span(&segment, 1), {}, buffer); !added)
        return responder.fail(added.error());
    is_busy_[buffer] = true;
    in_flight_[buffer] = std::move(responder);
}

void Port::start_waiting() {
    while (!waiting_.is_empty()) {
        auto const free = std::ranges::find(is_busy_, false);
        if (free == is_busy_.end())
            return;
        auto next = waiting_.pop_front();
#pragma clang unsafe_buffer_usage begin  // an array of `size` bytes, allocated in write()
        Bytes const bytes(next->bytes.get(), next->size);
#pragma clang unsafe_buffer_usage end
        send(static_cast<std::uint16_t>(free - is_busy_.begin()), bytes, std::move(*next->responder));
    }
}

Result<bool> Port::take_transmitted() {
    bool has_progress = false;
    while (auto const completed = TRY(transmit_.take())) {
        auto const buffer = static_cast<std::size_t>(completed->token);
        is_busy_[buffer] = false;
        in_flight_[buffer]->reply();
        in_flight_[buffer].reset();
        has_progress = true;
    }
    start_waiting();
    notify(transmit_, transmit_queue(number_));
    return has_progress;
}

// Moves received bytes to readers, oldest buffer first. True if a buffer was emptied.
bool Port::deliver() {
    bool was_emptied = false;
    while (!filled_.is_empty()) {
        auto& oldest = filled_.front();
        auto const bytes =
            Bytes(buffer_of(receive_memory_, oldest.buffer).memory).subspan(oldest.begin, oldest.end - oldest.begin);
        oldest.begin += static_cast<std::uint32_t>(input_->receive(bytes));
        if (oldest.begin != oldest.end)
            return was_emptied;
        (void)give_back(oldest.buffer);  // fails only on a broken queue, which take() reports
        (void)filled_.pop_front();
        was_emptied = true;
    }
    return was_emptied;
}

Result<bool> Port::take_received() {
    bool has_progress = false;
    while (auto const completed = TRY(receive_.take())) {
        (void)filled_.push_back({static_cast<std::uint16_t>(completed->token), 0, completed->written});
        has_progress = true;
    }
    has_progress = deliver() || has_progress;
    notify(receive_, receive_queue(number_));
    if (was_host_connected_ && !is_host_connected_ && filled_.is_empty() && !has_progress && !input_->is_closed())
        input_->close();
    return has_progress;
}

Result<bool> Port::poll() {
    if (!is_open_)
        return false;
    bool const has_received = TRY(take_received());
    bool const has_sent = TRY(take_transmitted());
    return has_received || has_sent;
}

bool Port::enable_interrupts() {
    if (!is_open_)
        return false;
    bool const has_received = receive_.enable_interrupts();
    bool const has_sent = transmit_.enable_interrupts();
    return has_received || has_sent;
}

}  // namespace astrata::virtio_console
