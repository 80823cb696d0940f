// How much memory this silo may use and has left, as tmpfs reports it. A file of its own so that unit tests can bring
// theirs.
#pragma once

#include <cstdint>

namespace astrata::linux_abi {

struct MemoryStatistics {
    std::uint64_t total = 0;  // bytes
    std::uint64_t free = 0;
};
MemoryStatistics memory_statistics();

}  // namespace astrata::linux_abi
