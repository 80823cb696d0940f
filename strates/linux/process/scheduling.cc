#include "strates/linux/process/scheduling.h"

#include <algorithm>

#include "abi/system_calls.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint32_t most_urgent_time_shared = 23;

}  // namespace

void apply_priority(Task const& task) {
    auto const policy = task.scheduling_policy;
    static_cast<void>(sys::thread_set_policy(task.thread, policy == fifo ? abi::SchedulingPolicy::fifo
                                                                         : abi::SchedulingPolicy::round_robin));
    auto const priority = std::max(bedrock_priority(policy, task.nice, task.scheduling_priority), task.lending.lent);
    if (!sys::thread_set_priority(task.thread, priority, 0) && priority > most_urgent_time_shared)
        static_cast<void>(sys::thread_set_priority(task.thread, most_urgent_time_shared, 0));
}

void apply_inherited_scheduling(Task const& task) {
    if (task.nice != 0 || task.scheduling_policy != other)
        apply_priority(task);
    if (task.cpu_mask != ~std::uint64_t{0})
        static_cast<void>(sys::thread_set_affinity(task.thread, task.cpu_mask));
}

}  // namespace astrata::linux_abi
