// Bedrock's start, once the boot door is behind it.
#pragma once

#include "kernel/boot/boot_info.h"

namespace astrata::kernel {

[[noreturn]] void kernel_main(BootInfo const& info);

/// The boot loader's facts, for those who need them later.
[[nodiscard]] BootInfo const& boot_info();

}  // namespace astrata::kernel
