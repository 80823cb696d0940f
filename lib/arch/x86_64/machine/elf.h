// ELF files of this machine.
#pragma once

#include "lib/elf/image.h"

namespace astrata::elf {

inline constexpr auto own_machine = Machine::x86_64;
inline constexpr std::uint32_t relocation_none = 0;
inline constexpr std::uint32_t relocation_relative = 8;  // R_X86_64_RELATIVE: base + addend

}  // namespace astrata::elf
