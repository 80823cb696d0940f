// Names, numbers and structures of aarch64 Linux.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/elf/image.h"
#include "strates/linux/arch/generic/facts.h"

namespace astrata::linux_abi::aarch64 {

inline constexpr std::string_view name = "aarch64";           // uname(2)
inline constexpr std::string_view platform_name = "aarch64";  // AT_PLATFORM
inline constexpr auto elf_machine = elf::Machine::aarch64;

/// Whether struct sigaction names the code that handlers return to; without, the vDSO has it.
inline constexpr bool has_restorer = true;
inline constexpr std::string_view signal_return_symbol = "__kernel_rt_sigreturn";
inline constexpr std::uint64_t smallest_signal_stack = 5120;  // MINSIGSTKSZ

/// 32 registers of 16 bytes, FPSR and FPCR; room for more.
inline constexpr std::size_t vector_state_limit = 576;

/// As 32-bit Arm always had them.
namespace open_flag {
inline constexpr std::uint32_t direct = 0200000;      // O_DIRECT
inline constexpr std::uint32_t large_file = 0400000;  // O_LARGEFILE
inline constexpr std::uint32_t directory = 040000;    // O_DIRECTORY
inline constexpr std::uint32_t no_follow = 0100000;   // O_NOFOLLOW
}  // namespace open_flag

using generic::EpollEvent;
using generic::FileStatus;

}  // namespace astrata::linux_abi::aarch64
