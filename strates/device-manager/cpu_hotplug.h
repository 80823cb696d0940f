// Processors that are plugged into the machine while it runs. `cpu online N` puts them to use; here it is told which they are.
#pragma once

#include "sdk/event_loop.h"
#include "strates/device-manager/inventory.h"

namespace astrata::device_manager {

class CpuHotplug final : public sdk::SignalHandler {
public:
    CpuHotplug(Machine const& machine, MachineFacts const& facts) : machine_(machine), facts_(facts) {}

    /// Whether the machine has what it takes.
    [[nodiscard]] bool is_possible() const;
    /// ACPI mode is on.
    [[nodiscard]] Result<> start(sdk::EventLoop& loop);
    void on_signal(std::uint64_t bits) override;

    // The registers, as acpi::cpu_hotplug wants them.
    Result<std::uint32_t> read(std::uint16_t offset, unsigned width);
    Result<> write(std::uint16_t offset, unsigned width, std::uint32_t value);

private:
    void tell_events();

    Machine machine_;
    MachineFacts const& facts_;
    sdk::UniqueHandle interrupt_;
};

}  // namespace astrata::device_manager
