#include "lib/virtio/command_line.h"

#include <gtest/gtest.h>

namespace astrata::virtio {
namespace {

TEST(CommandLine, announcements_are_found_among_other_words) {
    constexpr std::string_view line =
        "root=disk0 virtio_mmio.device=512@0xfeb00e00:12 x virtio_mmio.device=4K@0xd0000000:5:1 virtio_mmio.device=bad";
    auto const first = announced_device(line, 0);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->base, PhysAddr{0xfeb00e00});
    EXPECT_EQ(first->length, 512u);
    EXPECT_EQ(first->interrupt, 12u);
    auto const second = announced_device(line, 1);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->length, 4096u);
    EXPECT_EQ(second->interrupt, 5u);
    EXPECT_FALSE(announced_device(line, 2));
}

TEST(CommandLine, malformed_announcements_are_passed_over) {
    for (auto const* const word :
         {"virtio_mmio.device=", "virtio_mmio.device=512", "virtio_mmio.device=512@", "virtio_mmio.device=@1:1",
          "virtio_mmio.device=0@0x1000:1", "virtio_mmio.device=512@0x1000", "virtio_mmio.device=512@0x1000:",
          "virtio_mmio.device=512@0x1000:70000", "virtio_mmio.device=0x8000000000000000G@1:1",
          "virtio_mmio.device=512@0xffffffffffffffff:1", "xvirtio_mmio.device=512@0x1000:1"})
        EXPECT_FALSE(announced_device(word, 0)) << word;
}

}  // namespace
}  // namespace astrata::virtio
