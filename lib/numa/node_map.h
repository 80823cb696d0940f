// Nodes of a machine with non-uniform memory access: which memory and which processors belong together, and how far
// apart they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::numa {

inline constexpr std::size_t node_limit = 16;

/// As ACPI counts them: 10 is a node's own memory, 20 takes twice as long to reach.
inline constexpr std::uint8_t local_distance = 10;
inline constexpr std::uint8_t default_distance = 20;

/// [start, end) belongs to a node.
struct MemoryPart {
    PhysAddr start;
    PhysAddr end;
    std::uint8_t node = 0;
};

/// Starts as one node that has everything. Nodes are numbered in the order in which their domains are first named.
class NodeMap {
public:
    static constexpr std::size_t part_limit = 64;
    static constexpr std::size_t processor_limit = 256;

    /// errors    no_resources (more nodes or parts than the limits), corrupt (wraps around, or overlaps another node's)
    [[nodiscard]] Result<> add_memory(std::uint32_t domain, PhysAddr start, std::uint64_t length);
    /// id        what the hardware calls the processor
    /// errors    no_resources, corrupt (the processor was given to another node before)
    [[nodiscard]] Result<> add_processor(std::uint32_t domain, std::uint32_t id);
    /// All distances at once, `distance(from, to)` for every two domains that were named; the map keeps its own unless
    /// all make sense.
    /// errors    corrupt (not 10 from a node to itself, or not more between two)
    template <typename Distance>
    [[nodiscard]] Result<> set_distances(Distance distance) {
        auto fresh = distances_;
        for (std::size_t from = 0; from < domain_count_; ++from) {
            for (std::size_t to = 0; to < domain_count_; ++to) {
                std::uint8_t const value = TRY(distance(domains_[from], domains_[to]));
                if (from == to ? value != local_distance : value <= local_distance)
                    return fail(Error::corrupt);
                fresh[from][to] = value;
            }
        }
        distances_ = fresh;
        return {};
    }

    /// At least 1.
    [[nodiscard]] std::size_t count() const { return domain_count_ > 0 ? domain_count_ : 1; }
    /// Sorted and disjoint. What lies in none belongs to node 0.
    [[nodiscard]] std::span<MemoryPart const> memory() const { return std::span(parts_).first(part_count_); }
    /// Node 0 when nobody said.
    [[nodiscard]] std::uint8_t node_of_processor(std::uint32_t id) const;
    [[nodiscard]] std::uint8_t distance(std::size_t from, std::size_t to) const { return distances_[from][to]; }
    /// All nodes, `from` itself first, then the nearer before the farther.
    [[nodiscard]] std::array<std::uint8_t, node_limit> nearest_first(std::size_t from) const;

private:
    struct Processor {
        std::uint32_t id = 0;
        std::uint8_t node = 0;
    };
    Result<std::uint8_t> node_of_domain(std::uint32_t domain);

    std::array<std::uint32_t, node_limit> domains_{};
    std::size_t domain_count_ = 0;
    std::array<MemoryPart, part_limit> parts_{};
    std::size_t part_count_ = 0;
    std::array<Processor, processor_limit> processors_{};
    std::size_t processor_count_ = 0;
    std::array<std::array<std::uint8_t, node_limit>, node_limit> distances_ = [] {
        std::array<std::array<std::uint8_t, node_limit>, node_limit> all{};
        for (std::size_t from = 0; from < node_limit; ++from) {
            all[from].fill(default_distance);
            all[from][from] = local_distance;
        }
        return all;
    }();
};

}  // namespace astrata::numa
