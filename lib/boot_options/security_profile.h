// `profile=`: how much protection a machine pays for (docs/security.md).
#pragma once

#include <cstdint>
#include <string_view>

namespace astrata {

enum class SecurityProfile : std::uint8_t {
    secure,       ///< everything there is, whatever it costs; page tables are checked at boot
    balanced,     ///< what costs little on processors that were built for it
    performance,  ///< no controls against speculation: for machines that run one workload, and trust it
};

/// Balanced unless another one is named.
SecurityProfile security_profile(std::string_view command_line);
std::string_view name_of(SecurityProfile profile);
/// `audit=boot`, or by profile.
bool audits_at_boot(std::string_view command_line);

/// What the processor offers (CPUID 7.0 EDX, IA32_ARCH_CAPABILITIES).
struct SpeculationFacts {
    bool has_branch_restriction = false;           // IBRS
    bool is_branch_restriction_enhanced = false;   // IBRS_ALL: set once, it holds in the kernel and costs nothing
    bool has_thread_separation = false;            // STIBP
    bool has_store_bypass_disable = false;         // SSBD
    bool has_branch_barrier = false;               // IBPB
    bool leaks_kernel_memory = false;              // to user mode, through speculation (Meltdown)
};

struct SpeculationControls {
    std::uint64_t control = 0;              ///< IA32_SPEC_CTRL
    bool is_barrier_on_switch = false;      ///< IA32_PRED_CMD at every change of address space
    bool fills_return_buffer = false;       ///< then, too; and always where there is the barrier
    bool has_retpolines = false;            ///< Bedrock's indirect branches are not predicted
    bool operator==(SpeculationControls const&) const = default;
};

/// Whether user mode has page tables of its own: `kpti=on` or `kpti=off`, else where the processor needs it, by profile.
bool isolates_page_tables(std::string_view command_line, SpeculationFacts const& facts);

SpeculationControls speculation_controls(SecurityProfile profile, SpeculationFacts const& facts);

}  // namespace astrata
