#include "lib/boot_options/security_profile.h"

#include <gtest/gtest.h>

namespace astrata {
namespace {

TEST(SecurityProfile, is_balanced_unless_named) {
    EXPECT_EQ(security_profile(""), SecurityProfile::balanced);
    EXPECT_EQ(security_profile("profile=fast"), SecurityProfile::balanced);
    EXPECT_EQ(security_profile("profile=secure"), SecurityProfile::secure);
    EXPECT_EQ(security_profile("profile=secure profile=performance"), SecurityProfile::performance);
    EXPECT_TRUE(audits_at_boot("profile=secure"));
    EXPECT_TRUE(audits_at_boot("profile=performance audit=boot"));
    EXPECT_FALSE(audits_at_boot("audit=never"));
}

TEST(SecurityProfile, isolates_page_tables_where_the_processor_leaks) {
    constexpr SpeculationFacts leaks{.leaks_kernel_memory = true};
    EXPECT_TRUE(isolates_page_tables("", leaks));
    EXPECT_TRUE(isolates_page_tables("profile=secure", leaks));
    EXPECT_FALSE(isolates_page_tables("profile=performance", leaks));
    EXPECT_FALSE(isolates_page_tables("profile=secure", {}));
    EXPECT_TRUE(isolates_page_tables("kpti=on profile=performance", {}));
    EXPECT_FALSE(isolates_page_tables("kpti=off", leaks));
    EXPECT_TRUE(isolates_page_tables("kpti=perhaps", leaks));
}

TEST(SecurityProfile, controls_speculation_as_far_as_the_processor_can) {
    constexpr SpeculationFacts nothing{};
    constexpr SpeculationFacts old{.has_branch_restriction = true, .has_thread_separation = true, .has_branch_barrier = true};
    constexpr SpeculationFacts recent{true, true, true, true, true};
    for (auto const profile : {SecurityProfile::balanced, SecurityProfile::performance})
        EXPECT_EQ(speculation_controls(profile, nothing), SpeculationControls{});
    for (auto const& facts : {old, recent})
        EXPECT_EQ(speculation_controls(SecurityProfile::performance, facts), SpeculationControls{});
    EXPECT_EQ(speculation_controls(SecurityProfile::balanced, old),
              (SpeculationControls{.fills_return_buffer = true, .has_retpolines = true}));
    EXPECT_EQ(speculation_controls(SecurityProfile::balanced, recent), (SpeculationControls{.control = 1}));
    EXPECT_EQ(speculation_controls(SecurityProfile::secure, nothing),
              (SpeculationControls{.fills_return_buffer = true, .has_retpolines = true}));
    EXPECT_EQ(speculation_controls(SecurityProfile::secure, old),
              (SpeculationControls{.control = 3, .is_barrier_on_switch = true, .fills_return_buffer = true, .has_retpolines = true}));
    EXPECT_EQ(speculation_controls(SecurityProfile::secure, recent),
              (SpeculationControls{.control = 7, .is_barrier_on_switch = true, .fills_return_buffer = true}));
}

}  // namespace
}  // namespace astrata
