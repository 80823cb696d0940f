// A virtio entropy device: one request at a time for as many bytes as it cares to give.
#pragma once

#include <memory>
#include <optional>

#include "lib/virtio/dma.h"
#include "lib/virtio/transport.h"

namespace astrata::virtio_rng {

inline constexpr std::size_t request_bytes = 64;

class Source {
public:
    /// Sets the device up. `transport` and what `dma` gives are borrowed.
    /// errors    not_supported (legacy device), timed_out, no_memory, not_found (no queue), io
    [[nodiscard]] static Result<std::unique_ptr<Source>> create(virtio::Transport& transport, virtio::DmaSource& dma,
                                                                std::uint16_t vector);

    /// Asks for request_bytes. The device may take its time, and give fewer.
    /// errors    io (the device broke the rules), would_block (it was asked already)
    [[nodiscard]] Result<> request();
    /// What the device gave, at least one byte, until the next request(); nothing if it has not answered yet.
    /// errors    io (the device broke the rules; it needs a reset)
    [[nodiscard]] Result<std::optional<Bytes>> take();

private:
    explicit Source(virtio::Transport& transport) : transport_(transport) {}
    Result<> set_up(virtio::DmaSource& dma, std::uint16_t vector, std::uint64_t features);

    virtio::Transport& transport_;
    std::optional<virtio::SplitQueue> queue_;
    virtio::DmaBlock shared_;  // the device may write into it whenever it likes
    std::array<std::byte, request_bytes> taken_{};
};

}  // namespace astrata::virtio_rng
