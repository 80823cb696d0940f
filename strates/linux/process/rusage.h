// struct rusage.
#pragma once

#include <array>
#include <cstdint>

#include "strates/linux/process/usage.h"

namespace astrata::linux_abi {

struct LinuxTimeval {
    std::int64_t seconds = 0;
    std::int64_t microseconds = 0;
};
constexpr LinuxTimeval to_timeval(std::uint64_t nanoseconds) {
    return {static_cast<std::int64_t>(nanoseconds / 1'000'000'000),
            static_cast<std::int64_t>(nanoseconds % 1'000'000'000 / 1000)};
}

struct LinuxUsage {
    LinuxTimeval user;
    LinuxTimeval system;
    std::int64_t maximum_resident_kib = 0;
    std::array<std::int64_t, 11> others = {};   // page faults, blocks, messages, signals: not counted per process
    std::int64_t voluntary_switches = 0;
    std::int64_t involuntary_switches = 0;
};
static_assert(sizeof(LinuxUsage) == 144);

constexpr LinuxUsage to_rusage(Usage const& usage) {
    return {.user = to_timeval(usage.cpu_ns),
            .maximum_resident_kib = static_cast<std::int64_t>(usage.maximum_resident / 1024),
            .voluntary_switches = static_cast<std::int64_t>(usage.switches)};
}

}  // namespace astrata::linux_abi
