#include "lib/acpi/virtio_mmio.h"

#include <gtest/gtest.h>

#include <string>

namespace astrata::acpi {
namespace {

using namespace std::string_view_literals;

// What QEMU writes for a device at 0xfeb02e00 on interrupt 47, from the hardware id on.
constexpr auto qemu_device = "LNRO0005\0\x08_UID\x0a\x17\x08_CCA\x01\x08_CRS\x11\x1a\x0a\x17"
                             "\x86\x09\x00\x01\x00\x2e\xb0\xfe\x00\x02\x00\x00"
                             "\x89\x06\x00\x01\x01\x2f\x00\x00\x00\x79\x00"sv;

TEST(VirtioMmio, devices_are_found_in_order) {
    std::string block("head");
    block += qemu_device;
    block += "LNRO0005 without resources, followed by enough other bytes to be told apart from what comes next. "
             "More of them, so that the next device is out of reach of this one.";
    block += qemu_device;
    auto const first = find_virtio_mmio(as_bytes(block), 0);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->base, PhysAddr{0xfeb02e00});
    EXPECT_EQ(first->length, 0x200u);
    EXPECT_EQ(first->interrupt, 47u);
    EXPECT_FALSE(first->is_edge);
    EXPECT_FALSE(first->is_active_low);
    EXPECT_TRUE(find_virtio_mmio(as_bytes(block), 1));
    EXPECT_EQ(find_virtio_mmio(as_bytes(block), 2).error(), Error::not_found);
}

TEST(VirtioMmio, a_cut_block_is_no_device) {
    for (std::size_t length = 0; length + 2 < qemu_device.size(); ++length)
        EXPECT_FALSE(find_virtio_mmio(as_bytes(qemu_device.substr(0, length)), 0));
}

}  // namespace
}  // namespace astrata::acpi
