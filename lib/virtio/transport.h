// What a virtio driver needs of the bus its device sits on, and the start-up sequence (virtio 1.2 section 3.1).
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "lib/base/result.h"
#include "lib/virtio/queue.h"

namespace astrata::virtio {

/// Device ids (section 5).
namespace device_id {
inline constexpr std::uint32_t network = 1, block = 2, console = 3, entropy = 4;
}

/// Bits of the device status (section 2.1).
namespace status {
inline constexpr std::uint8_t acknowledge = 1, driver = 2, driver_ok = 4, features_ok = 8, needs_reset = 64,
                              failed = 128;
}

/// Feature bits that all devices share (section 6).
namespace feature {
inline constexpr std::uint64_t indirect_descriptors = 1ull << 28, event_index = 1ull << 29, version_1 = 1ull << 32;
inline constexpr std::uint64_t access_platform = 1ull << 33;
}  // namespace feature

/// A queue or the configuration without an interrupt vector of its own.
inline constexpr std::uint16_t no_vector = 0xffff;

/// Bits of take_interrupt_status.
namespace interrupt {
inline constexpr std::uint32_t queue = 1, configuration = 2;
}

/// One virtio device behind some bus. Not thread-safe: registers are selected, then accessed.
class Transport {
public:
    [[nodiscard]] virtual std::uint64_t device_features() = 0;
    virtual void set_driver_features(std::uint64_t features) = 0;
    [[nodiscard]] virtual std::uint8_t status() = 0;
    virtual void set_status(std::uint8_t status) = 0;
    /// Entries that the queue can have; 0 if there is no such queue.
    [[nodiscard]] virtual std::uint16_t queue_entries(std::uint16_t queue) = 0;
    /// Gives the device a queue and enables it. `vector`: interrupt to raise on completions, or no_vector.
    /// errors    not_found (no such queue), no_resources (the device could not take the vector)
    [[nodiscard]] virtual Result<> enable_queue(std::uint16_t queue, std::uint16_t entries, QueueAddresses addresses,
                                                std::uint16_t vector) = 0;
    /// Tells the device that the queue has something new.
    virtual void notify(std::uint16_t queue) = 0;
    /// errors    no_resources (the device could not take the vector)
    [[nodiscard]] virtual Result<> set_configuration_vector(std::uint16_t vector) = 0;
    /// Why a line interrupt was raised (interrupt::*), and lowers it. Not needed with message-signalled interrupts.
    [[nodiscard]] virtual std::uint32_t take_interrupt_status() = 0;
    [[nodiscard]] virtual std::uint32_t configuration_generation() = 0;
    /// Reads of the device-specific configuration; all ones beyond its end. `offset` is a multiple of the width.
    [[nodiscard]] virtual std::uint8_t configuration8(std::size_t offset) = 0;
    [[nodiscard]] virtual std::uint16_t configuration16(std::size_t offset) = 0;
    [[nodiscard]] virtual std::uint32_t configuration32(std::size_t offset) = 0;
    virtual void set_configuration32(std::size_t offset, std::uint32_t value) = 0;

protected:
    ~Transport() = default;
};

/// Resets the device and waits until it has.
/// errors    timed_out
[[nodiscard]] Result<> reset(Transport& transport);

/// Reset, acknowledge, negotiate: afterwards the driver sets its queues up and calls start(). Returns the features in
/// use, a subset of `wanted`. errors    not_supported (a legacy device, or one without a `required` feature, or one
/// that refuses our choice), timed_out
[[nodiscard]] Result<std::uint64_t> negotiate(Transport& transport, std::uint64_t wanted, std::uint64_t required = 0);

/// The device may work from now on.
/// errors    io (it went into an error state at once)
[[nodiscard]] Result<> start(Transport& transport);

/// Tells the device that its driver gave up.
void give_up(Transport& transport);

constexpr QueueOptions queue_options(std::uint64_t features) {
    return {.has_indirect = (features & feature::indirect_descriptors) != 0,
            .has_event_index = (features & feature::event_index) != 0};
}

/// Calls `read` until the configuration did not change meanwhile (section 2.5.1); for values of more than one access.
/// errors    busy (it kept changing)
template <typename Read>
[[nodiscard]] auto read_consistently(Transport& transport, Read read) -> Result<decltype(read())> {
    constexpr int attempts = 100;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        auto const before = transport.configuration_generation();
        auto value = read();
        if (transport.configuration_generation() == before)
            return value;
    }
    return fail(Error::busy);
}

/// Two 32-bit halves: devices need not support wider accesses. Use inside read_consistently.
[[nodiscard]] inline std::uint64_t configuration64(Transport& transport, std::size_t offset) {
    auto const low = transport.configuration32(offset);
    return std::uint64_t{transport.configuration32(offset + 4)} << 32 | low;
}

}  // namespace astrata::virtio
