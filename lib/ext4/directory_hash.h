// The hash functions that order the names of an indexed directory.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace astrata::ext4 {

/// As stored in the root of a directory's index.
enum class HashVersion : std::uint8_t {
    legacy = 0,
    half_md4 = 1,
    tea = 2,
    legacy_unsigned = 3,
    half_md4_unsigned = 4,
    tea_unsigned = 5,
};

/// The hash of `name` in an index whose root says `stored_version`. Bit 0 is always clear: the index uses it.
/// seed      of the superblock; all zero means the algorithm's own
/// is_unsigned   the superblock's choice for the versions that leave it open (name bytes above 127 differ)
/// returns   nothing when the version is unknown
std::optional<std::uint32_t> hash_name(std::string_view name, std::uint8_t stored_version,
                                       std::array<std::uint32_t, 4> const& seed, bool is_unsigned);

}  // namespace astrata::ext4
