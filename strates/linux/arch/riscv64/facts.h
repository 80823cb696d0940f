// Names, numbers and structures of riscv64 Linux.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/elf/image.h"
#include "strates/linux/arch/generic/facts.h"

namespace astrata::linux_abi::riscv64 {

inline constexpr std::string_view name = "riscv64";    // uname(2)
inline constexpr std::string_view platform_name = "";  // AT_PLATFORM: none
inline constexpr auto elf_machine = elf::Machine::riscv;

/// Whether struct sigaction names the code that handlers return to; without, the vDSO has it.
inline constexpr bool has_restorer = false;
inline constexpr std::string_view signal_return_symbol = "__vdso_rt_sigreturn";
inline constexpr std::uint64_t smallest_signal_stack = 2048;  // MINSIGSTKSZ

/// 32 registers of 8 bytes and fcsr; room for more.
inline constexpr std::size_t vector_state_limit = 320;

namespace open_flag = generic::open_flag;
using generic::EpollEvent;
using generic::FileStatus;

}  // namespace astrata::linux_abi::riscv64
