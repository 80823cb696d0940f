// Copying from and to user memory so that a fault ends the copy instead of the kernel
// (kernel/arch/riscv64/user_copy.S).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/units.h"

namespace astrata::kernel::arch {

/// Whether a range lies in the home space of the calling thread's process, and that is hosted in the kernel (trap.cc).
[[nodiscard]] bool is_own_hosted_memory(VirtAddr start, std::uint64_t length);

/// Where to go on when the instruction faults.
struct ExceptionTableEntry {
    std::uint64_t instruction;
    std::uint64_t recovery;
};

extern "C" {
/// One of the two is user memory. False if a fault ended the copy.
[[nodiscard]] bool astrata_copy_user(void* to, void const* from, std::size_t count);
extern ExceptionTableEntry const __exception_table_start[];
extern ExceptionTableEntry const __exception_table_end[];
}

[[nodiscard]] inline bool copy_user(void* to, void const* from, std::size_t count) {
    return astrata_copy_user(to, from, count);
}

#pragma clang unsafe_buffer_usage begin  // the linker's section bounds
inline std::span<ExceptionTableEntry const> exception_table() {
    return {__exception_table_start, __exception_table_end};
}
#pragma clang unsafe_buffer_usage end

}  // namespace astrata::kernel::arch
