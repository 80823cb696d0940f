#include "kernel/mem/audit.h"

#include <gtest/gtest.h>

#include "kernel/mem/kernel_space.h"
#include "kernel/mem/table_pages.h"
#include "kernel/mem/test_machine.h"

namespace astrata::kernel::mem {
namespace {

using arch::PageFormat;
using Tables = paging::PageTables<PageFormat, KernelTablePages>;

constexpr std::uint64_t image_at = 0x8'0000;   // below the test's memory

class AuditTest : public testing::Test {
protected:
    AuditTest() : machine_(16U << 20) {
        EXPECT_TRUE(machine_.initialize());
        sections_ = {.text_start = layout::image + image_at,
                     .text_end = layout::image + image_at + page_size,
                     .rodata_start = layout::image + image_at + page_size,
                     .rodata_end = layout::image + image_at + 2 * page_size,
                     .data_start = layout::image + image_at + 2 * page_size,
                     .data_end = layout::image + image_at + 3 * page_size};
        root_ = allocate_frame(FrameKind::page_table, Zero::yes).value();
        page_ = allocate_frame(FrameKind::user, Zero::yes).value();
    }
    ~AuditTest() override {
        KernelTablePages pages;
        Tables(root_, pages).free_tables(0, paging::entries_per_table);
        free_frame(page_);
        free_frame(root_);
    }

    void map(VirtAddr address, PhysAddr page, paging::Attributes attributes, std::uint64_t length = page_size, int level = 0) {
        KernelTablePages pages;
        EXPECT_TRUE(Tables(root_, pages).map(address, length, page, attributes, level));
    }
    [[nodiscard]] Auditor walked(Auditor::View view) const {
        Auditor auditor(sections_);
        bool const is_kernel = view == Auditor::View::kernel;
        auditor.walk(root_, is_kernel ? 256 : 0, is_kernel ? 512 : 256, view);
        return auditor;
    }

    TestMachine machine_;
    ImageSections sections_{};
    PhysAddr root_;
    PhysAddr page_;
};

constexpr VirtAddr kernel_place = layout::dynamic_region + 0x1000;
constexpr VirtAddr native_place = layout::home_start + 0x1000;

TEST_F(AuditTest, the_tables_that_boot_makes_keep_the_rules) {
    Auditor auditor({});
    audit_kernel_space(auditor);
    EXPECT_EQ(auditor.violations(), 0U);
    EXPECT_GT(auditor.found().kernel_data, 0U);
    EXPECT_GT(auditor.found().tables, 2U);
    EXPECT_EQ(auditor.found().kernel_code, 0U);
}

TEST_F(AuditTest, right_mappings_are_counted_by_what_they_are) {
    map(sections_.text_start, {image_at}, {.execute = true});
    map(sections_.rodata_start, {image_at + page_size}, {});
    map(kernel_place, page_, {.write = true});
    map(kernel_place + page_size, {0xfee0'0000}, {.write = true, .uncached = true});
    auto const kernel = walked(Auditor::View::kernel);
    EXPECT_EQ(kernel.violations(), 0U);
    EXPECT_EQ(kernel.found().kernel_code, 1U);
    EXPECT_EQ(kernel.found().kernel_constants, 1U);
    EXPECT_EQ(kernel.found().kernel_data, 1U);
    EXPECT_EQ(kernel.found().kernel_devices, 1U);

    map(native_place, page_, {.execute = true, .user = true});
    map(native_place + page_size, page_, {.write = true, .user = true});
    auto const native = walked(Auditor::View::native);
    EXPECT_EQ(native.violations(), 0U);
    EXPECT_EQ(native.found().native_code, 1U);
    EXPECT_EQ(native.found().native_data, 1U);
}

TEST_F(AuditTest, writable_and_executable) {
    map(native_place, page_, {.write = true, .execute = true, .user = true});
    EXPECT_EQ(walked(Auditor::View::native).found().write_and_execute, 1U);
    EXPECT_EQ(walked(Auditor::View::native).violations(), 1U);
    // What foreign programs may do is their silo's policy.
    EXPECT_EQ(walked(Auditor::View::foreign).violations(), 0U);
    EXPECT_EQ(walked(Auditor::View::foreign).found().foreign_write_and_execute, 1U);
}

TEST_F(AuditTest, user_mode_in_the_kernel_half) {
    map(kernel_place, page_, {.user = true});
    EXPECT_EQ(walked(Auditor::View::kernel).found().user_in_kernel_half, 1U);
}

TEST_F(AuditTest, an_upper_table_that_forbids_user_mode_protects_what_is_below) {
    map(kernel_place, page_, {.user = true});
    auto& entry = table_entries(root_)[paging::index_at(kernel_place, 3)];
    entry &= ~PageFormat::user;
    EXPECT_EQ(walked(Auditor::View::kernel).violations(), 0U);
}

TEST_F(AuditTest, a_page_table_that_user_mode_can_write) {
    map(native_place, root_, {.write = true, .user = true});
    EXPECT_EQ(walked(Auditor::View::native).found().exposed_tables, 1U);
    EXPECT_EQ(walked(Auditor::View::foreign).found().exposed_tables, 1U);
}

TEST_F(AuditTest, a_page_table_inside_a_large_page) {
    map(native_place + huge_page_size - page_size, {align_down(root_.value, huge_page_size)}, {.write = true, .user = true}, huge_page_size, 1);
    EXPECT_EQ(walked(Auditor::View::native).found().exposed_tables, 1U);
}

TEST_F(AuditTest, code_outside_the_image) {
    map(kernel_place, page_, {.execute = true});
    EXPECT_EQ(walked(Auditor::View::kernel).found().executable_memory, 1U);
}

TEST_F(AuditTest, the_kernels_code_through_another_address) {
    map(layout::direct_map_region + image_at + page_size, {image_at + page_size}, {.write = true});
    map(layout::direct_map_region + image_at + 2 * page_size, {image_at + 2 * page_size}, {.write = true});   // data
    EXPECT_EQ(walked(Auditor::View::kernel).found().writable_code, 1U);
    EXPECT_EQ(walked(Auditor::View::kernel).violations(), 1U);
}

TEST_F(AuditTest, another_kernel_half_than_the_kernels) {
    auto const other = allocate_frame(FrameKind::page_table, Zero::yes).value();
    copy_kernel_half(table_entries(other));
    Auditor same({});
    same.compare_kernel_half(other, kernel_root());
    EXPECT_EQ(same.violations(), 0U);
    table_entries(other)[300] = page_.value | PageFormat::present;
    Auditor different({});
    different.compare_kernel_half(other, kernel_root());
    EXPECT_EQ(different.violations(), 1U);
    free_frame(other);
}

}  // namespace
}  // namespace astrata::kernel::mem
