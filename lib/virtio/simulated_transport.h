// A transport whose device lives in the test: it records what the driver sets up and gives the test each queue's other
// end. Host only.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "lib/virtio/dma.h"
#include "lib/virtio/simulated_device.h"
#include "lib/virtio/transport.h"

namespace astrata::virtio {

class SharedDma final : public DmaSource {
public:
    explicit SharedDma(std::size_t size) : memory(size + 4096) {}
    Result<DmaBlock> allocate(std::size_t bytes) override {
        auto const size = (bytes + 4095) / 4096 * 4096;
        if (used_ + size > memory.bytes().size())
            return fail(Error::no_memory);
        DmaBlock const block{memory.bytes().subspan(used_, bytes), SharedMemory::base + used_};
        used_ += size;
        return block;
    }
    SharedMemory memory;

private:
    std::size_t used_ = 0;
};

class SimulatedTransport final : public Transport {
public:
    SimulatedTransport(SharedDma& dma, std::uint64_t features, std::uint16_t queues)
        : offered(features | feature::version_1), dma_(dma), queues_(queues) {}

    std::uint64_t offered;
    std::uint64_t chosen = 0;
    std::vector<std::byte> configuration = std::vector<std::byte>(64);
    std::multiset<std::uint16_t> notified;
    std::function<void()> on_notify;

    /// The device's end of a queue that the driver has enabled.
    SimulatedQueue& queue(std::uint16_t number) { return devices_.at(number); }
    [[nodiscard]] bool has_queue(std::uint16_t number) const { return devices_.contains(number); }

    std::uint64_t device_features() override { return offered; }
    void set_driver_features(std::uint64_t features) override { chosen = features; }
    std::uint8_t status() override { return status_; }
    void set_status(std::uint8_t status) override { status_ = status; }
    std::uint16_t queue_entries(std::uint16_t queue) override { return queue < queues_ ? 64 : 0; }
    Result<> enable_queue(std::uint16_t queue, std::uint16_t entries, QueueAddresses addresses,
                          std::uint16_t) override {
        devices_.emplace(queue, SimulatedQueue(dma_.memory, addresses, entries));
        return {};
    }
    void notify(std::uint16_t queue) override {
        notified.insert(queue);
        if (on_notify)
            on_notify();
    }
    Result<> set_configuration_vector(std::uint16_t) override { return {}; }
    std::uint32_t take_interrupt_status() override { return 0; }
    std::uint32_t configuration_generation() override { return 0; }
    std::uint8_t configuration8(std::size_t offset) override {
        return load<std::uint8_t>(configuration, offset).value();
    }
    std::uint16_t configuration16(std::size_t offset) override {
        return load<std::uint16_t>(configuration, offset).value();
    }
    std::uint32_t configuration32(std::size_t offset) override {
        return load<std::uint32_t>(configuration, offset).value();
    }
    void set_configuration32(std::size_t offset, std::uint32_t value) override {
        (void)store(configuration, offset, value);
    }

private:
    SharedDma& dma_;
    std::uint16_t queues_;
    std::uint8_t status_ = 0;
    std::map<std::uint16_t, SimulatedQueue> devices_;
};

}  // namespace astrata::virtio
