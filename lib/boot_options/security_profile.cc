#include "lib/boot_options/security_profile.h"

#include "lib/boot_options/boot_options.h"

namespace astrata {

namespace {

// IA32_SPEC_CTRL (Intel SDM volume 4, table 2-2).
constexpr std::uint64_t branch_restriction = 1U << 0;
constexpr std::uint64_t thread_separation = 1U << 1;
constexpr std::uint64_t store_bypass_disable = 1U << 2;

}  // namespace

SecurityProfile security_profile(std::string_view command_line) {
    auto const name = boot_option(command_line, "profile").value_or("");
    for (auto const profile : {SecurityProfile::secure, SecurityProfile::performance}) {
        if (name == name_of(profile))
            return profile;
    }
    return SecurityProfile::balanced;
}

std::string_view name_of(SecurityProfile profile) {
    switch (profile) {
    case SecurityProfile::secure: return "secure";
    case SecurityProfile::balanced: return "balanced";
    case SecurityProfile::performance: return "performance";
    }
    return "";
}

bool audits_at_boot(std::string_view command_line) {
    return security_profile(command_line) == SecurityProfile::secure || boot_option(command_line, "audit") == "boot";
}

bool isolates_page_tables(std::string_view command_line, SpeculationFacts const& facts) {
    if (auto const choice = boot_option(command_line, "kpti"); choice == "on" || choice == "off")
        return choice == "on";
    return facts.leaks_kernel_memory && security_profile(command_line) != SecurityProfile::performance;
}

SpeculationControls speculation_controls(SecurityProfile profile, SpeculationFacts const& facts) {
    SpeculationControls controls;
    if (profile == SecurityProfile::performance)
        return controls;
    if (facts.is_branch_restriction_enhanced)
        controls.control |= branch_restriction;
    // A processor that offers controls of branch prediction needs them; what it does by itself is enough if those are the newer ones.
    controls.has_retpolines = controls.fills_return_buffer = facts.has_branch_restriction && !facts.is_branch_restriction_enhanced;
    if (profile == SecurityProfile::balanced)
        return controls;
    controls.fills_return_buffer = true;
    controls.has_retpolines = !facts.is_branch_restriction_enhanced;
    controls.control |= (facts.has_branch_restriction ? branch_restriction : 0) | (facts.has_thread_separation ? thread_separation : 0) |
                        (facts.has_store_bypass_disable ? store_bypass_disable : 0);
    controls.is_barrier_on_switch = facts.has_branch_barrier;
    return controls;
}

}  // namespace astrata
