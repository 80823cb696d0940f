// What the device manager takes from ACPI.
#pragma once

#include "sdk/handle.h"
#include "strates/device-manager/machine_facts.h"

namespace astrata::device_manager {

/// Reads the tables; what is missing or broken is simply absent from the facts.
/// memory    the machine's memory region;   rsdp: where the boot protocol said it is, or 0: firmware's area is searched
[[nodiscard]] MachineFacts read_acpi(abi::Handle memory, PhysAddr rsdp);

}  // namespace astrata::device_manager
