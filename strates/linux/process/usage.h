// Resources used (getrusage(2)), as far as Bedrock measures them.
#pragma once

#include <cstdint>

namespace astrata::linux_abi {

struct Usage {
    std::uint64_t cpu_ns = 0;  ///< program and system calls together: Bedrock keeps one figure per thread
    std::uint64_t switches = 0;
    std::uint64_t maximum_resident = 0;  ///< bytes

    void add(Usage const& other) {
        cpu_ns += other.cpu_ns;
        switches += other.switches;
        if (other.maximum_resident > maximum_resident)
            maximum_resident = other.maximum_resident;
    }
};

}  // namespace astrata::linux_abi
