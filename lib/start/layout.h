// Where things lie in the home address space of a new process. Bedrock, the silo manager and the start-up code agree
// here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace astrata::start {

/// A home space is one root slot, and every home space is laid out alike: in user mode all begin at the same address, while each
/// process that is hosted in the kernel has a slot of its own there.
inline constexpr std::uint64_t home_bytes = std::uint64_t{1} << 39;
inline constexpr std::uint64_t user_home = 0x7f80'0000'0000;

/// Offset of a strate's image; it is position independent, but a fixed place makes crash dumps readable.
inline constexpr std::uint64_t image_offset = 0x20'0000;

/// The page with the StartBlock, mapped for reading.
inline constexpr std::uint64_t start_block_offset = 0x3f'fff0'0000;
inline constexpr std::uint64_t image_limit = start_block_offset - image_offset;

/// Thread stacks lie in slots of this size and alignment. The first page of a slot holds the thread's context, the
/// stack is at the other end, and unmapped guard pages are between them. Slot 0 is the first thread's.
inline constexpr std::uint64_t stack_slot_bytes = 256 << 10;
inline constexpr std::uint64_t stack_area_offset = 0x40'0000'0000;
inline constexpr std::uint64_t stack_slots = 1 << 16;
/// Mapped stack of the first thread.
inline constexpr std::uint64_t main_stack_bytes = 128 << 10;

/// Bedrock maps the vDSO here when it creates a process.
inline constexpr std::uint64_t vdso_offset = 0x7f'ffe0'0000;

static_assert(user_home % home_bytes == 0 && stack_area_offset % stack_slot_bytes == 0);
static_assert(stack_area_offset + stack_slots * stack_slot_bytes < vdso_offset);

/// Where the home space begins that an address lies in.
constexpr std::uint64_t home_of(std::uint64_t address) {
    return address & ~(home_bytes - 1);
}
/// Whether that home space is in the kernel's half.
constexpr bool is_hosted_in_kernel(std::uint64_t address) {
    return address >> 63 != 0;
}

}  // namespace astrata::start
