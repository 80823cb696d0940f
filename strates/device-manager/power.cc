#include "strates/device-manager/power.h"

#include "sdk/log.h"

namespace astrata::device_manager {

namespace {

// The machine needs a moment; whoever is still here afterwards was not switched off.
constexpr std::uint64_t grace_ns = 500'000'000;
constexpr std::uint32_t sci_enabled = 1;  // SCI_EN in PM1 control: ACPI mode is on
constexpr std::uint32_t sleep_bits = 7 << 10 | 1 << 13;
constexpr int acpi_mode_patience = 300;  // milliseconds; section 4.8.2.5 gives no bound

void wait(std::uint64_t nanoseconds) {
    (void)sys::thread_sleep(sys::clock_now() + nanoseconds);
}

}  // namespace

Result<std::uint32_t> PowerServer::read_register(acpi::RegisterAddress const& target, unsigned width) {
    if (target.space == acpi::RegisterSpace::port)
        return static_cast<std::uint32_t>(TRY(sys::port_read(machine_.ports, target.address, width)));
    if (target.space != acpi::RegisterSpace::memory)
        return fail(Error::not_supported);
    auto const mapping = TRY(PhysicalMapping::map(machine_.memory, PhysAddr{target.address}, width, sdk::read_write,
                                                  abi::MapFlags::uncached));
    auto const registers = mapping.registers();
    return width == 1 ? registers.read_at<std::uint8_t>(0) : registers.read_at<std::uint16_t>(0);
}

Result<> PowerServer::write_register(acpi::RegisterAddress const& target, unsigned width, std::uint32_t value) {
    if (target.space == acpi::RegisterSpace::port)
        return sys::port_write(machine_.ports, target.address, width, value);
    if (target.space != acpi::RegisterSpace::memory)
        return fail(Error::not_supported);
    auto const mapping = TRY(PhysicalMapping::map(machine_.memory, PhysAddr{target.address}, width, sdk::read_write,
                                                  abi::MapFlags::uncached));
    if (width == 1)
        mapping.registers().write_at(0, static_cast<std::uint8_t>(value));
    else
        mapping.registers().write_at(0, static_cast<std::uint16_t>(value));
    return {};
}

Error PowerServer::sleep_by_control_register(acpi::Fadt const& fadt, acpi::SleepType type) {
    if (auto const written = write_register(fadt.sleep_control, 1, acpi::sleep_control_value(type.pm1a)); !written)
        return written.error();
    wait(grace_ns);
    return Error::io;
}

void PowerServer::enable_acpi_mode(acpi::Fadt const& fadt) {
    auto const is_on = [&] { return (read_register(fadt.pm1a_control, 2).value_or(sci_enabled) & sci_enabled) != 0; };
    if (fadt.smi_command_port == 0 || fadt.acpi_enable == 0 || is_on())
        return;
    (void)sys::port_write(machine_.ports, fadt.smi_command_port, 1, fadt.acpi_enable);
    for (int attempt = 0; attempt < acpi_mode_patience && !is_on(); ++attempt)
        wait(1'000'000);
}

Error PowerServer::sleep_by_pm1(acpi::Fadt const& fadt, acpi::SleepType type) {
    enable_acpi_mode(fadt);
    auto const sleep = [&](acpi::RegisterAddress const& control, std::uint8_t sleep_type) -> Result<> {
        // Everything but SLP_TYP and SLP_EN is to be kept (section 4.8.3.2.1).
        auto const kept = TRY(read_register(control, 2)) & ~sleep_bits;
        return write_register(control, 2, kept | acpi::pm1_sleep_value(sleep_type));
    };
    if (auto const written = sleep(fadt.pm1a_control, type.pm1a); !written)
        return written.error();
    if (fadt.pm1b_control.exists())
        (void)sleep(fadt.pm1b_control, type.pm1b);
    wait(grace_ns);
    return Error::io;
}

Error PowerServer::try_power_off() {
    if (!facts_.fadt || !facts_.soft_off) {
        auto const result = sys::machine_power_off(machine_.root_silo);
        return result ? Error::io : result.error();
    }
    auto const& fadt = *facts_.fadt;
    if (fadt.is_hardware_reduced && fadt.sleep_control.exists())
        return sleep_by_control_register(fadt, *facts_.soft_off);
    if (fadt.pm1a_control.exists())
        return sleep_by_pm1(fadt, *facts_.soft_off);
    return Error::not_supported;
}

Error PowerServer::try_reset() {
    if (facts_.fadt && facts_.fadt->reset.exists()) {
        if (write_register(facts_.fadt->reset, 1, facts_.fadt->reset_value))
            wait(grace_ns);
    }
    auto const result = sys::machine_reset(machine_.root_silo);
    return result ? Error::io : result.error();
}

void PowerServer::power_off(sdk::Caller const&, PowerOffRequest const&, PowerOffResponder responder) {
    auto const error = try_power_off();
    sdk::log("power off failed: ", error);
    responder.fail(error);
}

void PowerServer::reset(sdk::Caller const&, ResetRequest const&, ResetResponder responder) {
    auto const error = try_reset();
    sdk::log("reset failed: ", error);
    responder.fail(error);
}

}  // namespace astrata::device_manager
