// ELF files of this machine.
#pragma once

#include "lib/elf/image.h"

namespace astrata::elf {

inline constexpr auto own_machine = Machine::aarch64;
inline constexpr std::uint32_t relocation_none = 0;
inline constexpr std::uint32_t relocation_relative = 1027;  // R_AARCH64_RELATIVE: base + addend

}  // namespace astrata::elf
