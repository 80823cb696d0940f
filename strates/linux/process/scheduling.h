// What Linux's policies, nice values and CPU masks are to Bedrock.
#pragma once

#include <cstdint>

#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

enum SchedulingPolicy : std::uint32_t { other = 0, fifo = 1, round_robin = 2, batch = 3, idle = 5 };

[[nodiscard]] constexpr bool is_real_time(std::uint32_t policy) {
    return policy == fifo || policy == round_robin;
}

/// Bedrock's 0 to 31: nice -20..19 goes to 21..11, idle to the lowest of the time-shared, real time 1..99 to 24..31.
[[nodiscard]] constexpr std::uint32_t bedrock_priority(std::uint32_t policy, std::int32_t nice, std::int32_t priority) {
    if (is_real_time(policy))
        return static_cast<std::uint32_t>(24 + (priority - 1) * 7 / 98);
    return policy == idle ? 1 : static_cast<std::uint32_t>(16 - nice / 4);
}

/// Gives the task's thread the priority that its policy stands for. Real time is for silos that are allowed it; elsewhere
/// it is the most urgent of what is not.
void apply_priority(Task const& task);
/// For a new thread: the priority and the CPUs that it has inherited.
void apply_inherited_scheduling(Task const& task);

}  // namespace astrata::linux_abi
