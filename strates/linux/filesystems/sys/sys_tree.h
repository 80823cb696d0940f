// /sys, as little of it as programs ask for (sysfs(5)).
#pragma once

#include "strates/linux/filesystems/synthetic/static_tree.h"

namespace astrata::linux_abi {

inline constexpr std::uint64_t sysfs_magic = 0x62656572;  // SYSFS_MAGIC

StaticEntry const& sys_tree();

}  // namespace astrata::linux_abi
