// How much processor time tasks and processes have used, and the units programs see.
#pragma once

#include <cstdint>

#include "strates/linux/process/process_table.h"

namespace astrata::linux_abi {

/// sysconf(_SC_CLK_TCK) of every Linux.
inline constexpr std::uint64_t ticks_per_second = 100;
constexpr std::uint64_t to_ticks(std::uint64_t nanoseconds) {
    return nanoseconds / (1'000'000'000 / ticks_per_second);
}

/// As Bedrock measures it now. Any thread that keeps the task alive.
[[nodiscard]] Usage thread_usage(Task const& task);
/// All tasks of the process, living and ended.
[[nodiscard]] Usage process_usage(Process& process) REQUIRES(process_table().mutex);

}  // namespace astrata::linux_abi
