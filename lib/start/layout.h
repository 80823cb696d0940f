// Where things lie in the home address space of a new process. Bedrock, the silo manager and the start-up code agree
// here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace astrata::start {

inline constexpr std::uint64_t home_begin = 0x7f80'0000'0000;
inline constexpr std::uint64_t home_end = 0x7fff'ffff'f000;

/// Where a strate's image is loaded; it is position independent, but a fixed place makes crash dumps readable.
inline constexpr std::uint64_t image_base = 0x7f80'0020'0000;

/// The page with the StartBlock, mapped for reading.
inline constexpr std::uint64_t start_block_address = 0x7fbf'fff0'0000;

/// Thread stacks lie in slots of this size and alignment. The first page of a slot holds the thread's context, the
/// stack is at the other end, and unmapped guard pages are between them. Slot 0 is the first thread's.
inline constexpr std::uint64_t stack_slot_bytes = 256 << 10;
inline constexpr std::uint64_t stack_area_begin = 0x7fc0'0000'0000;
inline constexpr std::uint64_t stack_slots = 1 << 16;
/// Mapped stack of the first thread.
inline constexpr std::uint64_t main_stack_bytes = 128 << 10;

/// Bedrock maps the vDSO here when it creates a process.
inline constexpr std::uint64_t vdso_address = 0x7fff'ffe0'0000;

static_assert(stack_area_begin % stack_slot_bytes == 0);
static_assert(stack_area_begin + stack_slots * stack_slot_bytes < vdso_address);

}  // namespace astrata::start
