// Values of the registers that say how translation and exceptions work (Arm ARM DDI 0487, sections D23.2.136 SCTLR_EL1,
// D23.2.145 TCR_EL1, D23.2.106 MAIR_EL1, D23.2.33 CPACR_EL1). Assembler files know those that entry.S needs.
#pragma once

#ifndef __ASSEMBLER__
#include <cstdint>
#endif

// MMU, caches, stack alignment (SA, SA0); user mode may use DC ZVA, cache maintenance, CTR_EL0, WFI and WFE; SPAN, EIS,
// EOS and the bits that read as one without the features they belong to.
#define ASTRATA_SYSTEM_CONTROL 0x34d5d91d
// 47-bit addresses in both halves, 4 KiB granules, inner shareable, write-back tables, ASIDs from TTBR0; entry.S adds
// the physical size.
#define ASTRATA_TRANSLATION_CONTROL 0xb5113511
// Attribute 0: normal memory, write-back; attribute 1: device memory, nGnRE (lib/paging/aarch64.h).
#define ASTRATA_MEMORY_ATTRIBUTES 0x04ff

#ifndef __ASSEMBLER__
namespace astrata::kernel::arch {

inline constexpr std::uint64_t system_control = ASTRATA_SYSTEM_CONTROL;
inline constexpr std::uint64_t control_keep_pan = 1U << 23;  // SPAN: exceptions leave PSTATE.PAN as it is
inline constexpr std::uint64_t vector_access_none = 0;       // FPEN: traps from user mode and kernel
inline constexpr std::uint64_t vector_access_all = 3U << 20;

}  // namespace astrata::kernel::arch
#endif
