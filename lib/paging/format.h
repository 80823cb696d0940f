// What a page-table format must say about itself, so that one walker serves all machines.
#pragma once

#include <concepts>
#include <cstdint>

#include "lib/base/units.h"

namespace astrata::paging {

/// What a mapping permits. Reading is always permitted.
struct Attributes {
    bool write = false;
    bool execute = false;
    bool user = false;
    bool global = false;    ///< the same in every address space: survives switches in the TLB
    bool uncached = false;  ///< device memory: neither cached nor speculated on

    constexpr bool operator==(Attributes const&) const = default;
};

/// All formats here have tables of 512 eight-byte entries. Level 0 maps 4 KiB pages; the root has level `levels` - 1.
inline constexpr unsigned bits_per_level = 9;
inline constexpr unsigned entries_per_table = 1U << bits_per_level;

constexpr unsigned shift_of(int level) {
    return page_bits + bits_per_level * static_cast<unsigned>(level);
}
constexpr std::uint64_t bytes_of(int level) {
    return std::uint64_t{1} << shift_of(level);
}
constexpr unsigned index_at(VirtAddr address, int level) {
    return static_cast<unsigned>(address.value >> shift_of(level)) & (entries_per_table - 1);
}

using Entry = std::uint64_t;

template <typename F>
concept PageTableFormat = requires(Entry entry, PhysAddr address, Attributes attributes, int level) {
    { F::levels } -> std::convertible_to<int>;
    { F::highest_leaf_level } -> std::convertible_to<int>;  // 1: 2 MiB pages, 2: 1 GiB pages
    { F::leaf(address, attributes, level) } -> std::same_as<Entry>;
    { F::table(address) } -> std::same_as<Entry>;
    { F::is_present(entry) } -> std::same_as<bool>;
    { F::is_leaf(entry, level) } -> std::same_as<bool>;  // of a present entry
    { F::address(entry, level) } -> std::same_as<PhysAddr>;
    { F::attributes(entry, level) } -> std::same_as<Attributes>;
    { F::is_writable(entry) } -> std::same_as<bool>;  // of a leaf
    { F::without_write(entry) } -> std::same_as<Entry>;
    { F::with_page(entry, address) } -> std::same_as<Entry>;  // of a leaf for address 0
};

}  // namespace astrata::paging
