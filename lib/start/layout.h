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

/// A multiple of `step` in [first, first + range): where something lies that nobody should be able to guess.
constexpr std::uint64_t random_place(std::uint64_t random, std::uint64_t first, std::uint64_t range, std::uint64_t step) {
    return first + random % (range / step) * step;
}

// The home space from the bottom up: image, start block, stacks, memory that is mapped without a wish (heaps, rings) from a
// random place downwards, and the vDSO. These are offsets; crash dumps print addresses in the image relative to it.

/// No image is larger.
inline constexpr std::uint64_t image_limit = std::uint64_t{1} << 30;
inline constexpr std::uint64_t image_region_offset = 0x20'0000;
constexpr std::uint64_t image_offset(std::uint64_t random) {
    return random_place(random, image_region_offset, std::uint64_t{250} << 30, 4096);
}

/// The page with the StartBlock, mapped for reading. It holds no addresses.
inline constexpr std::uint64_t start_block_offset = 0x3f'fff0'0000;

/// Thread stacks lie in slots of this size and alignment. The first page of a slot holds the thread's context, the
/// stack is at the other end, and unmapped guard pages are between them. Slot 0 is the first thread's.
inline constexpr std::uint64_t stack_slot_bytes = 256 << 10;
inline constexpr std::uint64_t stack_slots = 1 << 16;
inline constexpr std::uint64_t stack_region_offset = 0x40'0000'0000;
constexpr std::uint64_t stack_area_offset(std::uint64_t random) {
    return random_place(random, stack_region_offset, std::uint64_t{112} << 30, stack_slot_bytes);
}
/// Mapped stack of the first thread.
inline constexpr std::uint64_t main_stack_bytes = 128 << 10;

/// Bedrock looks for room from here down.
inline constexpr std::uint64_t map_top_region_offset = 0x70'0000'0000;
constexpr std::uint64_t map_top_offset(std::uint64_t random) {
    return random_place(random, map_top_region_offset, std::uint64_t{62} << 30, 4096);
}

/// Bedrock maps the vDSO here when it creates a process, with a page of data before it.
inline constexpr std::uint64_t vdso_region_offset = 0x7f'8010'0000;
constexpr std::uint64_t vdso_offset(std::uint64_t random) {
    return random_place(random, vdso_region_offset, std::uint64_t{2000} << 20, 4096);
}
inline constexpr std::uint64_t vdso_limit = 1 << 20;

static_assert(user_home % home_bytes == 0 && stack_region_offset % stack_slot_bytes == 0);
static_assert(image_offset(~std::uint64_t{0}) + image_limit <= start_block_offset);
static_assert(stack_area_offset(~std::uint64_t{0}) + stack_slots * stack_slot_bytes <= map_top_region_offset);
static_assert(map_top_offset(~std::uint64_t{0}) < vdso_region_offset);
static_assert(vdso_offset(~std::uint64_t{0}) + vdso_limit < home_bytes - 4096);

/// Where the home space begins that an address lies in.
constexpr std::uint64_t home_of(std::uint64_t address) {
    return address & ~(home_bytes - 1);
}
/// Whether that home space is in the kernel's half.
constexpr bool is_hosted_in_kernel(std::uint64_t address) {
    return address >> 63 != 0;
}

/// An address for the log: whoever reads it is not to learn where anything of the kernel half lies. What is in the home of a hosted
/// process, where `own` lies too, comes out as an offset, anything else there as its place in its page. Small negative numbers are no
/// addresses.
constexpr std::uint64_t without_kernel_places(std::uint64_t value, std::uint64_t own) {
    constexpr std::uint64_t no_address = 0xffff'ffff'ffe0'0000;
    if (!is_hosted_in_kernel(value) || value >= no_address)
        return value;
    return home_of(value) == home_of(own) ? value - home_of(own) : value % 4096;
}

}  // namespace astrata::start
