// CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4), as ext4, jbd2 and iSCSI use it.
#pragma once

#include <cstdint>

#include "lib/base/bytes.h"

namespace astrata::checksum {

/// Feeds `bytes` into a running CRC without the inversions at either end: what ext4 and jbd2 store. Start from
/// `crc32c_start`, or from another sum to chain them.
[[nodiscard]] std::uint32_t crc32c_update(std::uint32_t state, Bytes bytes);

inline constexpr std::uint32_t crc32c_start = 0xffff'ffff;

/// The finished CRC of `bytes` as RFC 3720 defines it.
[[nodiscard]] inline std::uint32_t crc32c(Bytes bytes) {
    return ~crc32c_update(crc32c_start, bytes);
}

}  // namespace astrata::checksum
