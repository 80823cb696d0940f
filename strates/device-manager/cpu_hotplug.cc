#include "strates/device-manager/cpu_hotplug.h"

#include "lib/acpi/cpu_hotplug.h"
#include "sdk/log.h"

namespace astrata::device_manager {

namespace {

constexpr std::uint32_t event_bit = 1 << acpi::cpu_hotplug::general_event;

// By Bedrock's number.
Result<std::uint32_t> cpu_with(abi::Handle root_silo, std::uint32_t apic_id) {
    for (std::uint32_t index = 0;; ++index) {
        if (TRY(sys::cpu_info(root_silo, index)).hardware_id == apic_id)
            return index;
    }
}

}  // namespace

bool CpuHotplug::is_possible() const {
    return facts_.cpu_hotplug_port && facts_.fadt && facts_.fadt->general_events.space == acpi::RegisterSpace::port &&
           facts_.fadt->general_events_bytes >= 2;
}

Result<> CpuHotplug::start(sdk::EventLoop& loop) {
    interrupt_ =
        sdk::UniqueHandle(TRY(sys::interrupt_create(machine_.interrupts, facts_.event_line, facts_.event_trigger)));
    TRY(loop.on_signal(interrupt_.get(), *this));
    TRY(acpi::cpu_hotplug::start(*this));
    // What others would be for, nobody here knows, and a level-triggered interrupt stays until its event is cleared.
    auto const& fadt = *facts_.fadt;
    unsigned const half = fadt.general_events_bytes / 2;
    for (unsigned byte = 0; byte < half; ++byte)
        TRY(sys::port_write(machine_.ports, fadt.general_events.address + half + byte, 1, byte == 0 ? event_bit : 0));
    // Events from before.
    on_signal(0);
    return {};
}

void CpuHotplug::on_signal(std::uint64_t) {
    // Cleared before the events are taken, so that one which comes meanwhile raises it again.
    (void)sys::port_write(machine_.ports, facts_.fadt->general_events.address, 1, event_bit);
    tell_events();
    (void)sys::interrupt_acknowledge(interrupt_.get());
}

void CpuHotplug::tell_events() {
    // More would be a device that makes them up.
    for (int count = 0; count < 256; ++count) {
        auto const event = acpi::cpu_hotplug::take_event(*this);
        if (!event || !*event)
            return;
        auto const index = cpu_with(machine_.root_silo, (*event)->apic_id);
        if (!index)
            sdk::log("a CPU with APIC id ", (*event)->apic_id, " that the machine did not announce: it stays unused");
        else if ((*event)->is_insertion)
            sdk::log("CPU ", *index, " was plugged in; `cpu online ", *index, "' puts it to use");
        else
            sdk::log("CPU ", *index, " is to be unplugged, which is not supported; `cpu offline ", *index,
                     "' puts it out of use");
    }
}

Result<std::uint32_t> CpuHotplug::read(std::uint16_t offset, unsigned width) {
    return static_cast<std::uint32_t>(
        TRY(sys::port_read(machine_.ports, std::uint64_t{*facts_.cpu_hotplug_port} + offset, width)));
}

Result<> CpuHotplug::write(std::uint16_t offset, unsigned width, std::uint32_t value) {
    return sys::port_write(machine_.ports, std::uint64_t{*facts_.cpu_hotplug_port} + offset, width, value);
}

}  // namespace astrata::device_manager
