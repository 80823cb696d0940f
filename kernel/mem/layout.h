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

// The kernel half. Each part lies at a random place within its region, which boot chooses (placement.h); these are the
// bounds of the regions.
inline constexpr VirtAddr direct_map_region{0xffff'8000'0000'0000};
inline constexpr VirtAddr hosted_region{0xffff'c000'0000'0000};
inline constexpr VirtAddr dynamic_region{0xffff'e000'0000'0000};
inline constexpr VirtAddr image_region{0xffff'ffff'8000'0000};   // where the image is linked, too (kernel/linker.ld)

/// Nothing lies from here on.
inline constexpr VirtAddr no_address{0xffff'ffff'ffe0'0000};

/// All physical memory, mapped at one offset: in the first region from the start, and in its final place once the final page
/// tables are in use.
inline constinit VirtAddr direct_map = direct_map_region;
inline constexpr std::uint64_t direct_map_limit = std::uint64_t{16} << 40;  // bytes
/// Kernel stacks (with guard pages) and device registers: one root slot, its second-level table present from the start,
/// so that every root shares it.
inline constinit VirtAddr dynamic_start = dynamic_region;
inline constexpr std::uint64_t dynamic_length = root_slot_bytes;
/// Home spaces of processes that are hosted in the kernel, one root slot each; their second-level tables are present from the
/// start as well.
inline constinit VirtAddr hosted_start asm("hosted_start_address") = hosted_region;   // trap_entry.S reads it
inline constexpr unsigned hosted_limit = 16;
inline constexpr std::uint64_t hosted_length = hosted_limit * root_slot_bytes;
/// The kernel image: physical address 0 would lie here.
inline constinit VirtAddr image = image_region;
/// Where it was loaded, on machines whose loaders choose; it is linked for address 0 there.
inline constinit PhysAddr image_load{0};

/// The image's first possible place.
inline VirtAddr image_start() {
    return image + image_load.value;
}
/// How far from where it was linked the image lies.
inline std::uint64_t image_slide() {
    return image_start() - image_region;
}

inline VirtAddr to_direct_map(PhysAddr address) {
    return {address.value + direct_map.value};
}

}  // namespace astrata::kernel::layout
