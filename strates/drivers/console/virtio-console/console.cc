#include "strates/drivers/console/virtio-console/console.h"

#include <algorithm>
#include <bit>
#include <new>

namespace astrata::virtio_console {

namespace {

constexpr std::uint64_t feature_size = 1 << 0, feature_multiport = 1 << 1;

// Offsets in the device's configuration (section 5.3.4).
constexpr std::size_t config_columns = 0, config_rows = 2, config_port_limit = 4;

constexpr std::uint16_t control_receive_queue = 2, control_transmit_queue = 3;
constexpr std::size_t control_buffer_bytes = 128;  // a message and a name
constexpr std::size_t control_message_bytes = 8;
constexpr std::size_t control_waiting_limit = 4 * port_limit;

// Events (section 5.3.6.2).
constexpr std::uint16_t device_ready = 0, port_add = 1, port_remove = 2, port_ready = 3, console_port = 4, resize = 5;
constexpr std::uint16_t port_open = 6, port_name = 7;

constexpr int poll_limit = 64;  // rounds of one work() call

constexpr std::size_t queue_memory_bytes(virtio::QueueOptions options) {
    return align_up(virtio::QueueLayout::of(queue_entries, options).bytes, 64);
}

}  // namespace

Result<std::unique_ptr<Console>> Console::create(virtio::Transport& transport, virtio::DmaSource& dma,
                                                 std::uint16_t vector) {
    std::unique_ptr<Console> console(new (std::nothrow) Console(transport, dma));
    if (console == nullptr)
        return fail(Error::no_memory);
    TRY(console->set_up(vector));
    return console;
}

Result<> Console::set_up(std::uint16_t vector) {
    // Without event indices: QEMU's device does not look again after it has said from which buffer on it wants to hear of more, so that
    // the end of a stream could stay in it for ever.
    auto const features = TRY(virtio::negotiate(transport_, feature_size | feature_multiport));
    has_ports_by_name_ = (features & feature_multiport) != 0;
    auto const offered = has_ports_by_name_ ? transport_.configuration32(config_port_limit) : 1;
    auto const count = std::clamp<std::uint32_t>(offered, 1, port_limit);
    auto const queues = 2 * count + (has_ports_by_name_ ? 2 : 0);
    auto memory = TRY(dma_.allocate(queues * queue_memory_bytes(options_)));
    TRY(ports_.reserve(count));
    for (std::uint32_t number = 0; number < count; ++number) {
        auto receive = TRY(make_queue(receive_queue(number), vector, memory));
        auto transmit = TRY(make_queue(transmit_queue(number), vector, memory));
        std::unique_ptr<Port> port(new (std::nothrow) Port(number, transport_, receive, transmit));
        if (port == nullptr)
            return fail(Error::no_memory);
        TRY(ports_.push_back(std::move(port)));
    }
    if (has_ports_by_name_) {
        control_receive_ = TRY(make_queue(control_receive_queue, vector, memory));
        control_transmit_ = TRY(make_queue(control_transmit_queue, vector, memory));
        TRY(make_control_buffers());
    }
    if (vector != virtio::no_vector)
        TRY(transport_.set_configuration_vector(vector));
    TRY(virtio::start(transport_));
    if ((features & feature_size) != 0)
        ports_[0]->set_size(transport_.configuration16(config_columns), transport_.configuration16(config_rows));
    if (has_ports_by_name_)
        return send_control({.port = 0, .event = device_ready, .value = 1});
    ports_[0]->add();
    ports_[0]->set_name("console");
    return {};
}

Result<virtio::SplitQueue> Console::make_queue(std::uint16_t number, std::uint16_t vector, virtio::DmaBlock& memory) {
    auto const offered = transport_.queue_entries(number);
    if (offered == 0)
        return fail(Error::not_found);
    auto const entries = std::bit_floor(std::min(offered, queue_entries));
    auto const bytes = queue_memory_bytes(options_);
    auto const own = TRY(memory.part(0, bytes));
    memory = TRY(memory.part(bytes, memory.memory.size() - bytes));
    auto queue = TRY(virtio::SplitQueue::create(own.memory, own.device_address, entries, options_));
    TRY(transport_.enable_queue(number, entries, queue.addresses(), vector));
    return queue;
}

Result<> Console::make_control_buffers() {
    control_waiting_ = TRY(RingBuffer<ControlMessage>::create(control_waiting_limit));
    auto const incoming = control_receive_->size();
    auto const outgoing = control_transmit_->size();
    auto const memory =
        TRY(dma_.allocate(incoming * control_buffer_bytes + outgoing * std::size_t{control_message_bytes}));
    control_in_ = TRY(memory.part(0, incoming * control_buffer_bytes));
    control_out_ = TRY(memory.part(incoming * control_buffer_bytes, outgoing * std::size_t{control_message_bytes}));
    for (std::uint16_t index = 0; index < incoming; ++index) {
        virtio::Segment const segment{.device_address = control_in_.device_address + index * control_buffer_bytes,
                                      .length = control_buffer_bytes};
        TRY(control_receive_->add({}, std::span(&segment, 1), index));
    }
    // What is published before the device is started needs no notification of its own: starting looks at the queues,
    // and the first message sent rings the doorbell anyway.
    (void)control_receive_->publish();
    return {};
}

Result<> Console::send_control(ControlMessage message) {
    auto const slots = std::span(is_control_busy_).first(control_transmit_->size());
    auto const free = std::ranges::find(slots, false);
    if (free == slots.end())
        return control_waiting_.push_back(message);
    auto const slot = static_cast<std::size_t>(free - slots.begin());
    auto const offset = slot * control_message_bytes;
    TRY(store(control_out_.memory, offset, message));
    virtio::Segment const segment{.device_address = control_out_.device_address + offset,
                                  .length = control_message_bytes};
    TRY(control_transmit_->add(std::span(&segment, 1), {}, slot));
    *free = true;
    if (control_transmit_->publish())
        transport_.notify(control_transmit_queue);
    return {};
}

Result<> Console::handle_control(Bytes bytes) {
    auto const message = load<ControlMessage>(bytes, 0);
    if (!message || message->port >= ports_.size())
        return {};  // cut short, or about a port that we do not use
    auto& port = *ports_[message->port];
    switch (message->event) {
    case port_add: port.add(); return send_control({.port = message->port, .event = port_ready, .value = 1});
    case port_remove: port.remove(); break;
    case console_port:
        if (!port.is_named())
            port.set_name("console");
        // The console port is to be opened at once (section 5.3.6.2); whether anybody reads it is another matter.
        break;
    case port_name: port.set_name(as_text(bytes.subspan(control_message_bytes))); break;
    case port_open: port.set_host_connected(message->value != 0); break;
    case resize: {
        // Columns and rows follow the message; the specification's order is columns first.
        auto const columns = load<std::uint16_t>(bytes, control_message_bytes);
        auto const rows = load<std::uint16_t>(bytes, control_message_bytes + 2);
        if (columns && rows)
            port.set_size(*columns, *rows);
        break;
    }
    default: break;  // of a later version
    }
    return {};
}

Result<bool> Console::poll_control() {
    if (!control_receive_)
        return false;
    bool has_progress = false;
    while (auto const completed = TRY(control_transmit_->take())) {
        is_control_busy_[static_cast<std::size_t>(completed->token)] = false;
        has_progress = true;
        if (auto const next = control_waiting_.pop_front())
            TRY(send_control(*next));
    }
    while (auto const completed = TRY(control_receive_->take())) {
        auto const index = completed->token;
        auto const buffer = TRY(control_in_.part(index * control_buffer_bytes, control_buffer_bytes));
        // A copy: the device could change the message while it is read.
        std::array<std::byte, control_buffer_bytes> copy;
        std::ranges::copy(buffer.memory, copy.begin());
        TRY(handle_control(Bytes(copy).first(completed->written)));
        virtio::Segment const segment{.device_address = buffer.device_address, .length = control_buffer_bytes};
        TRY(control_receive_->add({}, std::span(&segment, 1), index));
        has_progress = true;
    }
    if (control_receive_->publish())
        transport_.notify(control_receive_queue);
    return has_progress;
}

Result<bool> Console::poll() {
    // Data before control: what a host sent before it closed the port must be seen before its closing.
    bool has_progress = false;
    for (auto const& port : ports_)
        has_progress = TRY(port->poll()) || has_progress;
    return TRY(poll_control()) || has_progress;
}

Result<> Console::work() {
    for (int round = 0; round < poll_limit; ++round) {
        if (TRY(poll()))
            continue;
        bool is_late = control_receive_ && control_receive_->enable_interrupts();
        is_late = (control_transmit_ && control_transmit_->enable_interrupts()) || is_late;
        for (auto const& port : ports_)
            is_late = port->enable_interrupts() || is_late;
        if (!is_late)
            break;
    }
    return {};
}

Result<Port*> Console::find(std::string_view name) {
    for (auto const& port : ports_) {
        if (port->exists() && port->is_named() && port->name() == name)
            return port.get();
    }
    return fail(Error::not_found);
}

bool Console::awaits_names() const {
    return std::ranges::any_of(ports_, [](auto const& port) { return port->exists() && !port->is_named(); });
}

Result<> Console::open(Port& port) {
    if (port.is_open())
        return {};
    TRY(port.open(dma_));
    if (has_ports_by_name_) {
        TRY(send_control({.port = port.number(), .event = port_open, .value = 1}));
        // QEMU looks for input to deliver when it is told of buffers, which of a closed port it takes no notice of.
        transport_.notify(receive_queue(port.number()));
    }
    return work();
}

}  // namespace astrata::virtio_console
