// What the device manager takes from a devicetree.
#pragma once

#include "sdk/handle.h"
#include "strates/device-manager/machine_facts.h"

namespace astrata::device_manager {

/// Reads the tree; what is missing or broken is simply absent from the facts.
/// memory    the machine's memory region;   start, length: where the tree lies
[[nodiscard]] MachineFacts read_devicetree(abi::Handle memory, PhysAddr start, std::uint64_t length);

}  // namespace astrata::device_manager
