// Between a client's rings and the device's queue: takes requests, checks them, hands them to the device, and completes
// them.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "abi/block_types.h"
#include "lib/ring/ring.h"
#include "lib/virtio/dma.h"
#include "lib/virtio/transport.h"

namespace astrata::virtio_blk {

using Layout = ring::SessionLayout<abi::BlockRequest>;

inline constexpr std::uint32_t ring_entries = 128;
inline constexpr std::uint16_t in_flight_limit = 64;  // requests in the device at a time
inline constexpr std::uint64_t sector_bytes = 512;    // the unit of the device's addresses, whatever its block size

/// One client's memory.
struct Session {
    ring::Consumer<abi::BlockRequest> submissions;
    ring::Producer<abi::BlockRequest> completions;
    virtio::DmaBlock pool;

    /// rings    zeroed memory of Layout{ring_entries}.bytes() bytes
    [[nodiscard]] static Result<Session> create(MutableBytes rings, virtio::DmaBlock pool);
};

class Engine {
public:
    /// Sets the device up. `transport` and what `dma` gives are borrowed.
    /// errors    not_supported (legacy device), timed_out, no_memory, not_found (no queue), io
    [[nodiscard]] static Result<std::unique_ptr<Engine>> create(virtio::Transport& transport, virtio::DmaSource& dma,
                                                                std::uint16_t vector);

    [[nodiscard]] abi::BlockGeometry const& geometry() const { return geometry_; }

    /// Requests in the device.
    [[nodiscard]] std::uint16_t in_flight() const { return in_flight_; }
    /// No new requests are taken, and those in the device complete to nobody. The session's memory is free once
    /// in_flight() is 0.
    void detach() { session_.reset(); }
    /// Takes requests from `session` from now on; in_flight() must be 0.
    void attach(Session session) { session_.emplace(session); }
    [[nodiscard]] bool has_session() const { return session_.has_value(); }

    struct Work {
        bool has_progress = false;
        bool must_signal = false;        ///< the client may be asleep although there are completions (or room) for it
        bool is_session_broken = false;  ///< the client broke its rings; it was detached
    };
    /// Moves what can be moved, in both directions.
    /// errors    io (the device broke the rules; it needs a reset)
    [[nodiscard]] Result<Work> work();

    /// Asks the device for an interrupt at its next completion. True if one happened meanwhile: work() again.
    [[nodiscard]] bool enable_interrupts() { return queue_->enable_interrupts(); }
    void disable_interrupts() { queue_->disable_interrupts(); }

private:
    // What the device reads before and writes after the data of a request. One for each request in flight, in memory
    // that no client sees.
    struct alignas(64) Control {
        std::uint32_t type = 0;
        std::uint32_t reserved = 0;
        std::uint64_t sector = 0;
        std::uint64_t discard_sector = 0;  // the segment of a discard request
        std::uint32_t discard_sectors = 0;
        std::uint32_t discard_flags = 0;
        std::uint8_t status = 0;
    };
    static_assert(sizeof(Control) == 64);

    // Our own record of a request in the device.
    struct Slot {
        bool is_busy = false;
        abi::BlockRequest request{};
    };

    explicit Engine(virtio::Transport& transport) : transport_(transport) {}

    Result<> set_up(virtio::DmaSource& dma, std::uint16_t vector, std::uint64_t features);
    void read_geometry(std::uint64_t features);
    Result<> read_serial();
    Result<> take_completions(Work& work);
    void take_submissions(Work& work);
    Result<> check(abi::BlockRequest const& request) const;
    Result<> start(abi::BlockRequest const& request);
    void complete(abi::BlockRequest request, std::uint32_t status, Work& work);
    std::uint64_t control_address(std::size_t slot) const { return control_.device_address + slot * sizeof(Control); }

    virtio::Transport& transport_;
    std::optional<virtio::SplitQueue> queue_;
    virtio::DmaBlock control_;
    abi::BlockGeometry geometry_;
    std::uint64_t sectors_ = 0;
    std::uint32_t discard_sectors_limit_ = 0;  // of one request, as the device says
    std::array<Slot, in_flight_limit> slots_{};
    std::uint16_t in_flight_ = 0;
    std::uint16_t request_limit_ = 0;  // requests that fit into the queue
    std::optional<Session> session_;
};

}  // namespace astrata::virtio_blk
