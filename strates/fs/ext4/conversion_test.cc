#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "strates/fs/ext4/conversion.h"

namespace astrata::ext4_strate {
namespace {

TEST(Conversion, keeps_times_in_range) {
    ext4::Inode inode{.number = 12, .type = ext4::FileType::character_device, .permissions = 0620};
    inode.modified = {.seconds = 1'700'000'000, .nanoseconds = 5};
    inode.accessed = {.seconds = -1, .nanoseconds = 1};
    inode.changed = {.seconds = 20'000'000'000, .nanoseconds = 0};
    inode.device_major = 259;
    inode.device_minor = 0x12345;
    auto const attributes = to_attributes(inode);
    EXPECT_EQ(attributes.node, 12u);
    EXPECT_EQ(attributes.kind, abi::NodeKind::character_device);
    EXPECT_EQ(attributes.mode, 0620u);
    EXPECT_EQ(attributes.modified_ns, 1'700'000'000'000'000'005);
    EXPECT_EQ(attributes.accessed_ns, -999'999'999);
    EXPECT_EQ(attributes.changed_ns, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(attributes.device, 0x1231'0345u);
}

TEST(Conversion, hides_the_inodes_that_are_not_files) {
    ext4::Superblock superblock;
    superblock.inode_count = 100;
    superblock.first_inode = 11;
    EXPECT_EQ(to_inode_number(superblock, 2), 2u);
    EXPECT_EQ(to_inode_number(superblock, 11), 11u);
    EXPECT_EQ(to_inode_number(superblock, 100), 100u);
    for (std::uint64_t const node : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{8}, std::uint64_t{101},
                                     (std::uint64_t{1} << 32) + 2, ~std::uint64_t{0}})
        EXPECT_EQ(to_inode_number(superblock, node).error(), Error::not_found) << node;
}

TEST(Listing, is_packed_as_the_interface_says) {
    ListingPacker packer;
    EXPECT_TRUE(packer.visit({.inode = 7, .type = ext4::FileType::directory, .name = "ab"}, 24));
    EXPECT_TRUE(packer.visit({.inode = 9, .type = ext4::FileType::unknown, .name = "c"}, 4096));
    ByteReader reader(packer.bytes());
    EXPECT_EQ(*reader.read<le64>(), 7u);
    EXPECT_EQ(*reader.read<le64>(), 24u);
    EXPECT_EQ(*reader.read<std::uint8_t>(), 1);
    EXPECT_EQ(*reader.read<std::uint8_t>(), 2);
    EXPECT_EQ(as_text(*reader.take(2)), "ab");

    auto const unknown = packer.find_unknown(0);
    ASSERT_TRUE(unknown);
    EXPECT_EQ(unknown->inode, 9u);
    EXPECT_EQ(unknown->position, 20u);
    packer.set_kind(unknown->position, abi::NodeKind::socket);
    EXPECT_FALSE(packer.find_unknown(unknown->position));
    EXPECT_EQ(packer.bytes()[20 + 16], static_cast<std::byte>(abi::NodeKind::socket));
}

TEST(Listing, ends_where_a_message_does) {
    ListingPacker packer;
    std::string const name(255, 'n');
    int taken = 0;
    while (packer.visit({.inode = 7, .type = ext4::FileType::regular, .name = name}, 1))
        ++taken;
    EXPECT_EQ(taken, static_cast<int>(listing_bytes / (18 + 255)));
    EXPECT_LE(packer.bytes().size(), listing_bytes);

    NamePacker names;
    EXPECT_TRUE(names.visit({.prefix = "user.", .rest = "a"}, 1));
    EXPECT_TRUE(names.visit({.prefix = "security.", .rest = "capability"}, 1));
    EXPECT_EQ(as_text(names.bytes()), (std::string_view("user.a\0security.capability\0", 27)));
    while (names.visit({.prefix = "user.", .rest = name}, 1)) {
    }
    EXPECT_LE(names.bytes().size(), listing_bytes);
}

}  // namespace
}  // namespace astrata::ext4_strate
