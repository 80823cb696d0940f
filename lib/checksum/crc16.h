// CRC-16 with polynomial x^16 + x^15 + x^2 + 1, bit-reflected (known as ARC): the older checksum of ext4's group
// descriptors.
#pragma once

#include <cstdint>

#include "lib/base/bytes.h"

namespace astrata::checksum {

/// Feeds `bytes` into a running CRC. ARC starts from 0, ext4 from `crc16_ext4_start`; neither inverts at the end.
[[nodiscard]] std::uint16_t crc16_update(std::uint16_t state, Bytes bytes);

inline constexpr std::uint16_t crc16_ext4_start = 0xffff;

}  // namespace astrata::checksum
