#include "kernel/arch/x86_64/entry_patches.h"

#include <algorithm>
#include <cstring>
#include <span>

extern "C" {
using astrata::kernel::arch::EntryPatch;
extern EntryPatch const __isolation_start[];
extern EntryPatch const __isolation_end[];
extern EntryPatch const __retpoline_start[];
extern EntryPatch const __retpoline_end[];
}

namespace astrata::kernel::arch {

#pragma clang unsafe_buffer_usage begin  // the linker's lists of places in the entry code

namespace {

void apply(std::span<EntryPatch const> patches) {
    constexpr std::ptrdiff_t opcode_bytes = 1, patch_bytes = 5;
    constexpr std::byte no_operation{0x90};
    for (auto const& patch : patches) {
        auto const distance = static_cast<std::int32_t>(patch.target - (patch.site + patch_bytes));
        *patch.site = patch.opcode;
        std::memcpy(patch.site + opcode_bytes, &distance, sizeof(distance));
        if (patch.length > patch_bytes)
            std::fill(patch.site + patch_bytes, patch.site + patch.length, no_operation);
    }
}

}  // namespace

void patch_for_isolation() {
    apply({__isolation_start, __isolation_end});
}

void patch_for_retpolines() {
    apply({__retpoline_start, __retpoline_end});
}

#pragma clang unsafe_buffer_usage end

}  // namespace astrata::kernel::arch
