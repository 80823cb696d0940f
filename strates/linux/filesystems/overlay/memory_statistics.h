// How much memory this silo may use and has left: what tmpfs, /proc/meminfo and sysinfo report.
#pragma once

#include <cstdint>

namespace astrata::linux_abi {

struct MemoryStatistics {
    std::uint64_t total = 0;   // bytes: the silo's limit, or the machine's memory if it has none
    std::uint64_t free = 0;
};
MemoryStatistics memory_statistics();

}  // namespace astrata::linux_abi
