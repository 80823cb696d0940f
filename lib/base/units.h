// Addresses, page arithmetic and times as types, so that the unit is in the type.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace astrata {

inline constexpr std::size_t page_bits = 12;
inline constexpr std::size_t page_size = std::size_t{1} << page_bits;   // bytes, the smallest page of all three machines
inline constexpr std::size_t huge_page_size = std::size_t{2} << 20;     // bytes, one level above

constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment) {
    return value & ~(alignment - 1);
}
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}
constexpr bool is_aligned(std::uint64_t value, std::uint64_t alignment) {
    return (value & (alignment - 1)) == 0;
}
/// Pages needed to hold `bytes`; callers check for overflow near 2^64 first.
constexpr std::uint64_t pages_for(std::uint64_t bytes) {
    return (bytes + page_size - 1) >> page_bits;
}

namespace detail {

// An address of one kind: distances are plain integers, kinds do not mix.
template <typename Kind>
struct Address {
    std::uint64_t value = 0;

    constexpr auto operator<=>(Address const&) const = default;
    constexpr Address operator+(std::uint64_t bytes) const { return {value + bytes}; }
    constexpr Address operator-(std::uint64_t bytes) const { return {value - bytes}; }
    constexpr std::uint64_t operator-(Address other) const { return value - other.value; }
    constexpr Address& operator+=(std::uint64_t bytes) {
        value += bytes;
        return *this;
    }
    [[nodiscard]] constexpr std::uint64_t page() const { return value >> page_bits; }
    [[nodiscard]] constexpr std::uint64_t page_offset() const { return value & (page_size - 1); }
    [[nodiscard]] constexpr bool is_page_aligned() const { return page_offset() == 0; }
};

}  // namespace detail

/// An address as the memory bus sees it.
using PhysAddr = detail::Address<struct PhysicalKind>;
/// An address as a program or the kernel sees it.
using VirtAddr = detail::Address<struct VirtualKind>;

/// Nanoseconds since boot, never going back. `never` is a deadline that does not come.
struct MonotonicNs {
    std::uint64_t value = 0;

    constexpr auto operator<=>(MonotonicNs const&) const = default;
    /// Saturates, so that a far deadline stays far.
    constexpr MonotonicNs operator+(std::uint64_t nanoseconds) const {
        return {value + nanoseconds < value ? ~std::uint64_t{0} : value + nanoseconds};
    }
};
inline constexpr MonotonicNs never{~std::uint64_t{0}};

}  // namespace astrata
