#include <array>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "lib/checksum/crc16.h"
#include "lib/checksum/crc32c.h"

namespace astrata::checksum {
namespace {

// RFC 3720 appendix B.4.
TEST(Crc32c, matches_the_examples_of_rfc_3720) {
    std::array<std::byte, 32> bytes{};
    EXPECT_EQ(crc32c(bytes), 0x8a91'36aau);
    bytes.fill(std::byte{0xff});
    EXPECT_EQ(crc32c(bytes), 0x62a8'ab43u);
    for (std::size_t index = 0; index < bytes.size(); ++index)
        bytes[index] = static_cast<std::byte>(index);
    EXPECT_EQ(crc32c(bytes), 0x46dd'794eu);
    for (std::size_t index = 0; index < bytes.size(); ++index)
        bytes[index] = static_cast<std::byte>(31 - index);
    EXPECT_EQ(crc32c(bytes), 0x113f'db5cu);
}

TEST(Crc32c, matches_the_usual_check_value) {
    EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe306'9283u);
    EXPECT_EQ(crc32c({}), 0u);
}

TEST(Crc32c, gives_the_same_sum_however_the_input_is_cut) {
    std::array<std::byte, 100> bytes;
    for (std::size_t index = 0; index < bytes.size(); ++index)
        bytes[index] = static_cast<std::byte>(index * 37 + 11);
    auto const whole = crc32c_update(crc32c_start, bytes);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        auto const front = crc32c_update(crc32c_start, Bytes(bytes).first(cut));
        EXPECT_EQ(crc32c_update(front, Bytes(bytes).subspan(cut)), whole) << cut;
    }
}

TEST(Crc16, matches_the_usual_check_values) {
    EXPECT_EQ(crc16_update(0, as_bytes("123456789")), 0xbb3d);                 // ARC
    EXPECT_EQ(crc16_update(crc16_ext4_start, as_bytes("123456789")), 0x4b37);  // the same from all ones (MODBUS)
}

}  // namespace
}  // namespace astrata::checksum
