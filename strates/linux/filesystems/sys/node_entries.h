// /sys/devices/system/node: which memory and which CPUs are near each other.
#pragma once

#include "strates/linux/filesystems/synthetic/static_tree.h"

namespace astrata::linux_abi {

/// Files about all nodes, then one folder for each that the machine has.
[[nodiscard]] std::span<StaticEntry const> list_node_folder();

}  // namespace astrata::linux_abi
