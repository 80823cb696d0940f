// One port of a virtio console: buffers on both queues, readers and writers.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "abi/stream.h"
#include "lib/stream/input.h"
#include "lib/virtio/dma.h"
#include "lib/virtio/transport.h"

namespace astrata::virtio_console {

inline constexpr std::size_t name_limit = 64;
inline constexpr std::uint16_t buffers = 8;  // on each queue
inline constexpr std::size_t buffer_bytes = 4096;
inline constexpr std::uint16_t queue_entries = 16;  // at most; a buffer is one descriptor

/// Queue numbers of a port (section 5.3.2): port 0 has 0 and 1, the control queues are 2 and 3.
constexpr std::uint16_t receive_queue(std::uint32_t port) {
    return static_cast<std::uint16_t>(port == 0 ? 0 : 2 + 2 * port);
}
constexpr std::uint16_t transmit_queue(std::uint32_t port) {
    return static_cast<std::uint16_t>(receive_queue(port) + 1);
}

class Port {
public:
    using Read = abi::StreamServer::ReadResponder;
    using Write = abi::StreamServer::WriteResponder;

    Port(std::uint32_t number, virtio::Transport& transport, virtio::SplitQueue receive, virtio::SplitQueue transmit)
        : number_(number), transport_(transport), receive_(receive), transmit_(transmit) {}

    [[nodiscard]] std::uint32_t number() const { return number_; }

    // What the host says.
    [[nodiscard]] bool exists() const { return exists_; }
    [[nodiscard]] std::string_view name() const { return name_.view(); }
    [[nodiscard]] bool is_named() const { return !name_.view().empty(); }
    void add() { exists_ = true; }
    /// Everybody waiting fails; the port's buffers stay.
    void remove();
    void set_name(std::string_view name);
    void set_host_connected(bool is_connected);
    void set_size(std::uint16_t columns, std::uint16_t rows) { columns_ = columns, rows_ = rows; }
    [[nodiscard]] std::uint16_t columns() const { return columns_; }
    [[nodiscard]] std::uint16_t rows() const { return rows_; }

    /// Makes buffers and gives the device those to receive into. Does nothing when open.
    /// errors    no_memory
    [[nodiscard]] Result<> open(virtio::DmaSource& dma);
    [[nodiscard]] bool is_open() const { return is_open_; }

    void read(std::uint32_t limit, Read responder);
    void write(Bytes bytes, Write responder);
    [[nodiscard]] Result<> unread(Bytes bytes) { return input_->unread(bytes); }

    /// Takes what the device has finished and gives it what it can have. True if anything happened.
    /// errors    io (the device broke the rules)
    [[nodiscard]] Result<bool> poll();
    /// Asks for interrupts. True if something is there already.
    [[nodiscard]] bool enable_interrupts();

private:
    // A received buffer that is not read to its end.
    struct Filled {
        std::uint16_t buffer = 0;
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };
    struct Waiting {
        std::unique_ptr<std::byte[]> bytes;
        std::size_t size = 0;
        std::optional<Write> responder;
    };

    Result<bool> take_received();
    Result<bool> take_transmitted();
    bool deliver();
    Result<> give_back(std::uint16_t buffer);
    void start_waiting();
    void send(std::uint16_t buffer, Bytes bytes, Write responder);
    void notify(virtio::SplitQueue& queue, std::uint16_t number);

    std::uint32_t number_;
    virtio::Transport& transport_;
    virtio::SplitQueue receive_;
    virtio::SplitQueue transmit_;
    abi::Text<name_limit> name_;
    bool exists_ = false;
    bool is_open_ = false;
    bool is_host_connected_ = false;
    bool was_host_connected_ = false;
    std::uint16_t columns_ = 0;
    std::uint16_t rows_ = 0;

    virtio::DmaBlock receive_memory_;
    virtio::DmaBlock transmit_memory_;
    std::optional<stream::Input<Read>> input_;
    RingBuffer<Filled> filled_;
    std::array<std::optional<Write>, buffers> in_flight_;  // by transmit buffer
    std::array<bool, buffers> is_busy_{};
    RingBuffer<Waiting> waiting_;
};

}  // namespace astrata::virtio_console
