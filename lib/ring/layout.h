// What lies where in the shared memory of a ring, and of a session that has one ring for each direction. ABI.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "lib/base/units.h"

namespace astrata::ring {

/// Each index has a cache line of its own: the side that writes one does not disturb the side that writes the other.
inline constexpr std::size_t line_bytes = 64;
inline constexpr std::size_t produced_offset = 0;           ///< u32: entries ever pushed, modulo 2^32
inline constexpr std::size_t consumed_offset = line_bytes;  ///< u32: entries ever taken, modulo 2^32
inline constexpr std::size_t entries_offset = 2 * line_bytes;

inline constexpr std::uint32_t entry_limit = 1u << 16;  ///< most entries of a ring

/// Entries are copied word by word (see ring.h), so they consist of whole 8-byte words.
template <typename T>
concept RingEntry = std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0 && alignof(T) <= 8 && sizeof(T) <= 256;

/// A power of two, so that an index modulo 2^32 stays right when it wraps.
constexpr bool is_valid_entry_count(std::uint32_t entries) {
    return std::has_single_bit(entries) && entries <= entry_limit;
}

/// Bytes of one ring, a multiple of line_bytes.
template <RingEntry Entry>
constexpr std::size_t ring_bytes(std::uint32_t entries) {
    return align_up(entries_offset + std::size_t{entries} * sizeof(Entry), line_bytes);
}

/// A session's memory object: the ring of submissions at 0, that of completions behind it.
template <RingEntry Entry>
struct SessionLayout {
    std::uint32_t entries;

    [[nodiscard]] constexpr std::size_t submissions_offset() const { return 0; }
    [[nodiscard]] constexpr std::size_t completions_offset() const { return ring_bytes<Entry>(entries); }
    [[nodiscard]] constexpr std::size_t bytes() const { return align_up(2 * ring_bytes<Entry>(entries), page_size); }
};

}  // namespace astrata::ring
