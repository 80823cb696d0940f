#include "strates/linux/process/times.h"

#include "abi/system_calls.h"
#include "strates/linux/memory/memory.h"

namespace astrata::linux_abi {

Usage thread_usage(Task const& task) {
    Usage usage;
    if (auto information = sys::thread_info(task.thread); information.has_value()) {
        usage.cpu_ns = information->cpu_time_ns - task.thread_before.cpu_ns;
        usage.switches = information->switches - task.thread_before.switches;
    }
    return usage;
}

Usage process_usage(Process& process) {
    auto usage = process.ended_tasks_usage;
    for (auto& task : process.tasks) {
        usage.add(thread_usage(task));
        if (auto memory = task.share_memory()) {
            Usage resident{.maximum_resident = memory->resident_bytes()};
            usage.add(resident);
        }
    }
    return usage;
}

}  // namespace astrata::linux_abi
