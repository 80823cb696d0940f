// The texts in /proc that are about the silo as a whole (proc(5), sysctl(8)).
#pragma once

#include "strates/linux/filesystems/synthetic/static_tree.h"

namespace astrata::linux_abi {

/// The fixed part of /proc.
StaticEntry const& proc_tree();

/// The text of /proc/cpuinfo: what the processor says of itself, once for each online one.
void make_processors(TextBuffer& text);

}  // namespace astrata::linux_abi
