// Switching the machine off and resetting it: by ACPI's fixed hardware, or by firmware that only Bedrock can call.
#pragma once

#include "abi/device.h"
#include "strates/device-manager/inventory.h"

namespace astrata::device_manager {

class PowerServer final : public abi::PowerServer {
public:
    PowerServer(Machine const& machine, MachineFacts const& facts) : machine_(machine), facts_(facts) {}

    void power_off(sdk::Caller const&, PowerOffRequest const&, PowerOffResponder) override;
    void reset(sdk::Caller const&, ResetRequest const&, ResetResponder) override;

    /// ACPI events come only then, and the registers for switching off work.
    void enable_acpi_mode(acpi::Fadt const& fadt);

private:
    // Each returns only if it did not work.
    Error try_power_off();
    Error try_reset();
    Error sleep_by_control_register(acpi::Fadt const& fadt, acpi::SleepType type);
    Error sleep_by_pm1(acpi::Fadt const& fadt, acpi::SleepType type);

    Result<std::uint32_t> read_register(acpi::RegisterAddress const& target, unsigned width);
    Result<> write_register(acpi::RegisterAddress const& target, unsigned width, std::uint32_t value);

    Machine machine_;
    MachineFacts const& facts_;
};

}  // namespace astrata::device_manager
