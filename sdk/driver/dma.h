// DMA memory of a driver.
#pragma once

#include "lib/containers/vector.h"
#include "lib/virtio/dma.h"
#include "sdk/memory.h"

namespace astrata::sdk {

/// One physically contiguous memory object, mapped here and reachable by the device. Its handle can be given to a
/// client, who then shares the memory with the device.
class DmaMemory {
public:
    DmaMemory() = default;
    /// errors    no_memory
    [[nodiscard]] static Result<DmaMemory> create(abi::Handle domain, std::uint64_t bytes);

    [[nodiscard]] virtio::DmaBlock block() const {
        return {.memory = mapping_.bytes(), .device_address = device_address_};
    }
    [[nodiscard]] UniqueHandle const& object() const { return object_; }

private:
    UniqueHandle object_;
    Mapping mapping_;
    std::uint64_t device_address_ = 0;
};

/// Memory for queues and buffers that a driver keeps until it ends.
class DmaPool final : public virtio::DmaSource {
public:
    /// domain    borrowed
    explicit DmaPool(abi::Handle domain) : domain_(domain) {}

    Result<virtio::DmaBlock> allocate(std::size_t bytes) override;

private:
    abi::Handle domain_;
    Vector<DmaMemory> blocks_;
};

}  // namespace astrata::sdk
