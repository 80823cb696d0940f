// Where things are in Bedrock's half of every address space, and the bounds of the user half.
#pragma once

#include "lib/base/units.h"

namespace astrata::kernel::layout {

// x86_64 with four levels; one root-table slot covers 512 GiB.
inline constexpr std::uint64_t root_slot_bytes = std::uint64_t{1} << 39;

/// Foreign programs live here: [guest_start, guest_end).
inline constexpr VirtAddr guest_start{0x10000};
inline constexpr VirtAddr guest_end{0x0000'7f80'0000'0000};   // known to syscall_entry.S as well
/// Native code of the process lives here, in one root slot, invisible in restricted mode: [home_start, home_end).
inline constexpr VirtAddr home_start = guest_end;
inline constexpr VirtAddr home_end{0x0000'7fff'ffff'f000};

/// All physical memory, mapped at a fixed offset.
inline constexpr VirtAddr direct_map{0xffff'8000'0000'0000};
inline constexpr std::uint64_t direct_map_limit = std::uint64_t{64} << 40;  // bytes
/// Kernel stacks (with guard pages) and device registers: one root slot, its second-level table present from the start,
/// so that every root shares it.
inline constexpr VirtAddr dynamic_start{0xffff'e000'0000'0000};
inline constexpr std::uint64_t dynamic_length = root_slot_bytes;
/// Home spaces of processes that are hosted in the kernel, one root slot each; their second-level tables are present from the
/// start as well.
inline constexpr VirtAddr hosted_start{0xffff'c000'0000'0000};
inline constexpr unsigned hosted_limit = 16;
inline constexpr VirtAddr hosted_end = hosted_start + hosted_limit * root_slot_bytes;
/// The kernel image.
inline constexpr VirtAddr image{0xffff'ffff'8000'0000};

constexpr VirtAddr to_direct_map(PhysAddr address) {
    return {address.value + direct_map.value};
}

}  // namespace astrata::kernel::layout
