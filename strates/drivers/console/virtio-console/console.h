// A virtio console device with its ports and control queues (virtio 1.2 section 5.3).
#pragma once

#include "lib/containers/vector.h"
#include "strates/drivers/console/virtio-console/port.h"

namespace astrata::virtio_console {

/// More ports than this stay unused, whatever the device offers.
inline constexpr std::uint32_t port_limit = 16;

class Console {
public:
    /// Sets the device up with the given interrupt vector for all queues, and asks it for its ports. `transport` and
    /// `dma` are borrowed.
    /// errors    not_supported (legacy device), timed_out, no_memory, not_found (queues missing),
    /// io
    [[nodiscard]] static Result<std::unique_ptr<Console>> create(virtio::Transport& transport, virtio::DmaSource& dma,
                                                                 std::uint16_t vector);

    /// Handles everything that the device has done, and asks for an interrupt at its next doing.
    /// errors    io (the device broke the rules)
    [[nodiscard]] Result<> work();

    [[nodiscard]] std::size_t port_count() const { return ports_.size(); }
    [[nodiscard]] Port& port(std::size_t index) { return *ports_[index]; }
    /// errors    not_found
    [[nodiscard]] Result<Port*> find(std::string_view name);
    /// Opens a port's buffers and tells the host.
    /// errors    no_memory, io
    [[nodiscard]] Result<> open(Port& port);
    /// True when a port exists whose name is still to come.
    [[nodiscard]] bool awaits_names() const;

private:
    struct ControlMessage {
        std::uint32_t port = 0;
        std::uint16_t event = 0;
        std::uint16_t value = 0;
    };
    static_assert(sizeof(ControlMessage) == 8);

    Console(virtio::Transport& transport, virtio::DmaSource& dma) : transport_(transport), dma_(dma) {}

    Result<> set_up(std::uint16_t vector);
    Result<virtio::SplitQueue> make_queue(std::uint16_t number, std::uint16_t vector, virtio::DmaBlock& memory);
    Result<> make_control_buffers();
    Result<> send_control(ControlMessage message);
    Result<bool> poll_control();
    Result<> handle_control(Bytes bytes);
    Result<bool> poll();

    virtio::Transport& transport_;
    virtio::DmaSource& dma_;
    virtio::QueueOptions options_;
    bool has_ports_by_name_ = false;
    Vector<std::unique_ptr<Port>> ports_;  // by number
    std::optional<virtio::SplitQueue> control_receive_;
    std::optional<virtio::SplitQueue> control_transmit_;
    virtio::DmaBlock control_in_;
    virtio::DmaBlock control_out_;
    std::array<bool, queue_entries> is_control_busy_{};
    RingBuffer<ControlMessage> control_waiting_;
};

}  // namespace astrata::virtio_console
