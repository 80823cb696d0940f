// Places in the entry code where boot puts a jump or a call in an instruction's place, so that protections which are
// off cost nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace astrata::kernel::arch {

/// As patch_sites.inc lays it out.
struct EntryPatch {
    std::byte* site;
    std::byte const* target;
    std::byte opcode;     // of a jump or call with a distance of 32 bits
    std::uint8_t length;  // of the instruction
    std::uint8_t reserved[6];
};
static_assert(sizeof(EntryPatch) == 24);

// Both while the image can be written, and nobody else runs.

/// Has the entry code change page tables (isolated_entry.S).
void patch_for_isolation();
/// Has indirect branches of Bedrock's take a way that nobody can teach the processor (indirect_branches.S).
void patch_for_retpolines();

}  // namespace astrata::kernel::arch
