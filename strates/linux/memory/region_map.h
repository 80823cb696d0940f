// Which parts of a program's address space are in use and as what: the personality's record beside Bedrock's mappings,
// for placing new ones, for /proc/PID/maps and for what Linux calls ask about (sharing, files, offsets).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

/// What a mapping shows that is more than zeroed memory of its own: a file, or an object shared between processes.
class RegionBacking : public RefCounted<RegionBacking> {
public:
    static void destroy(RegionBacking* backing) { delete backing; }
    virtual ~RegionBacking() = default;

    /// Identity for shared futexes: equal for two mappings of the same bytes.
    [[nodiscard]] virtual std::uint64_t object_id() const = 0;
    /// For /proc/PID/maps.
    [[nodiscard]] virtual std::uint64_t device() const { return 0; }
    [[nodiscard]] virtual std::uint64_t inode() const { return 0; }
    /// Writes the path, cut to the buffer; returns its length.
    [[nodiscard]] virtual std::size_t describe(std::span<char> into) const {
        static_cast<void>(into);
        return 0;
    }
};

enum class RegionKind : std::uint8_t { ordinary, heap, stack, vdso };

/// PROT_* bits.
namespace protection {
inline constexpr std::uint8_t read = 1;
inline constexpr std::uint8_t write = 2;
inline constexpr std::uint8_t execute = 4;
}  // namespace protection

struct Region {
    std::uint64_t start = 0;           ///< page-aligned
    std::uint64_t end = 0;             ///< page-aligned, above start
    std::uint64_t offset = 0;          ///< of `start` in the backing
    RefOrNull<RegionBacking> backing;  ///< absent: anonymous and private
    std::uint8_t access = 0;           ///< protection bits
    std::uint8_t access_limit = 7;     ///< what mprotect may grant
    bool is_shared = false;            ///< MAP_SHARED
    bool is_inherited = true;          ///< fork copies it (MADV_DONTFORK clears)
    RegionKind kind = RegionKind::ordinary;

    [[nodiscard]] std::uint64_t length() const { return end - start; }
    [[nodiscard]] bool contains(std::uint64_t address) const { return address >= start && address < end; }
};

/// Regions, ascending and disjoint, in one array: looked up by bisection, beginning where the last look-up ended;
/// copied as a whole by fork. Changes that need room take it first (`reserve`), so that they cannot fail half-way
/// between Bedrock's mappings and this record.
///
/// Budget: 60 instructions to place, 80 to insert, 60 to remove one region among its neighbours (mmap_munmap,
/// mprotect_1).
class RegionMap {
public:
    RegionMap() = default;
    RegionMap(RegionMap const&) = delete;
    RegionMap& operator=(RegionMap const&) = delete;

    [[nodiscard]] std::span<Region const> regions() const { return slots_.first(count_); }
    /// The region that contains `address`, or null.
    [[nodiscard]] Region const* find(std::uint64_t address) const;
    /// The first region that ends above `address`, or null.
    [[nodiscard]] Region const* first_above(std::uint64_t address) const;
    /// Those that have bytes in [start, end).
    [[nodiscard]] std::span<Region const> overlapping(std::uint64_t start, std::uint64_t end) const;
    [[nodiscard]] bool is_free(std::uint64_t start, std::uint64_t end) const;
    /// Whether regions cover all of [start, end).
    [[nodiscard]] bool is_covered(std::uint64_t start, std::uint64_t end) const {
        return common_limit(start, end).has_value();
    }
    /// What mprotect may grant all of [start, end); nothing if regions do not cover it.
    [[nodiscard]] std::optional<std::uint8_t> common_limit(std::uint64_t start, std::uint64_t end) const;
    /// Where the first hole from `start` on begins; `start` itself if no region has it.
    [[nodiscard]] std::uint64_t covered_end(std::uint64_t start) const;
    /// Bytes in regions.
    [[nodiscard]] std::uint64_t total() const { return total_; }

    /// The highest start of `length` free bytes in [low, high); 0 if there is no such gap.
    [[nodiscard]] std::uint64_t find_gap(std::uint64_t length, std::uint64_t low, std::uint64_t high,
                                         std::uint64_t alignment) const;

    /// Room for `additional` more regions.
    /// errors    enomem (memory, or more than region_limit)
    [[nodiscard]] LinuxResult<> reserve(std::size_t additional);

    // Each needs a reserve(2) before it.
    /// Adds a region in place of what is there; joins it with equal neighbours.
    void insert(Region&& region);
    /// Frees [start, end), splitting and cutting what reaches across the edges.
    void remove(std::uint64_t start, std::uint64_t end);
    /// Sets the access of all regions in [start, end).
    void protect(std::uint64_t start, std::uint64_t end, std::uint8_t access);
    void set_inherited(std::uint64_t start, std::uint64_t end, bool is_inherited);

    /// errors    enomem
    [[nodiscard]] LinuxResult<> copy_from(RegionMap const& other);

    /// vm.max_map_count.
    static constexpr std::size_t region_limit = 65530;

private:
    [[nodiscard]] std::size_t index_above(std::uint64_t address) const;
    [[nodiscard]] Region* open_at(std::size_t index);
    void erase_at(std::size_t first, std::size_t last);
    /// Makes `address` a border between regions if the one at `index` reaches across it.
    void split_at(std::size_t index, std::uint64_t address);
    /// Joins what can be joined among [first, last) and with the neighbours on both sides.
    void join_around(std::size_t first, std::size_t last);
    template <typename Change>
    void change(std::uint64_t start, std::uint64_t end, Change apply);

    std::unique_ptr<Region[]> storage_;
    std::span<Region> slots_;  // all of storage_
    std::size_t count_ = 0;
    std::uint64_t total_ = 0;
    mutable std::size_t recent_ = 0;  // what index_above found last
    // Every byte of [full_start_, full_end_) is in a region: searches for a gap below full_end_ begin at full_start_.
    mutable std::uint64_t full_start_ = 0;
    mutable std::uint64_t full_end_ = 0;
};

}  // namespace astrata::linux_abi
