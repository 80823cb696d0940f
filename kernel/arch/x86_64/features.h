// What this processor can do, read from CPUID once (Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E).
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/boot_options/security_profile.h"

namespace astrata::kernel::arch {

struct Features {
    bool has_x2apic = false;
    bool has_tsc_deadline = false;
    bool has_fsgsbase = false;
    bool has_smep = false;
    bool has_smap = false;
    bool has_umip = false;
    bool has_xsave = false;
    bool has_xsaveopt = false;
    bool has_avx = false;
    bool has_rdrand = false;
    bool has_rdseed = false;
    bool has_gigabyte_pages = false;
    bool has_fast_movsb = false;           // ERMS
    SpeculationFacts speculation;
    SpeculationControls speculation_controls;   // what of it is used: choose_protections
    bool isolates_page_tables = false;          // arch/user_view.h
    std::uint64_t vector_state_mask = 0;   // XCR0: which state components we enable
    std::uint32_t vector_state_size = 512; // bytes of the XSAVE (standard format) or FXSAVE area
};

/// The boot CPU's; valid after detect_features.
extern Features features;
void detect_features();
/// Before enable_features.
void choose_protections(std::string_view command_line);
/// Switches on what was detected, on this CPU: CR0, CR4, EFER, XCR0, syscall registers.
void enable_features();

}  // namespace astrata::kernel::arch
