#include "strates/linux/process/system_information.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "abi/system_calls.h"
#include "sdk/own.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/process/load_average.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {
namespace {

struct Name {
    Mutex mutex;
    std::array<char, 64> text GUARDED_BY(mutex) = {};
    std::size_t length GUARDED_BY(mutex) = 0;

    std::string_view get(std::span<char> buffer) {
        Lock lock(mutex);
        auto count = std::min(length, buffer.size());
        std::ranges::copy(std::span(text).first(count), buffer.begin());
        return {buffer.data(), count};
    }
    void set(std::string_view value) {
        Lock lock(mutex);
        length = std::min(value.size(), text.size());
        std::ranges::copy(value.substr(0, length), text.begin());
    }
};
constinit Name host, domain;
std::atomic<std::uint64_t> machine_memory = 0;

std::uint64_t cpu_mask(std::uint64_t abi::NodeInfo::* kind) {
    std::uint64_t mask = 0;
    for (std::uint32_t index = 0;; ++index) {
        auto const node = sys::node_info(sdk::own().silo, index);
        if (!node)
            return mask != 0 ? mask : 1;
        mask |= (*node).*kind;
    }
}

struct Load {
    Mutex mutex;
    LoadAverage average GUARDED_BY(mutex);
};
constinit Load load;

std::uint32_t runnable_tasks() {
    std::uint32_t count = 0;
    Lock lock(process_table().mutex);
    process_table().for_each([&](Process& process) {
        for (auto& task : process.tasks) {
            auto state = task.run_state.load(std::memory_order_relaxed);
            if (state == TaskState::running || state == TaskState::uninterruptible)
                ++count;
        }
    });
    return count;
}

}  // namespace

std::string_view host_name(std::span<char> buffer) {
    return host.get(buffer);
}
std::string_view domain_name(std::span<char> buffer) {
    return domain.get(buffer);
}
void set_host_name(std::string_view name) {
    host.set(name);
}
void set_domain_name(std::string_view name) {
    domain.set(name);
}

void set_machine_memory(std::uint64_t bytes) {
    machine_memory.store(bytes, std::memory_order_relaxed);
}

std::uint64_t online_cpu_mask() {
    return cpu_mask(&abi::NodeInfo::cpus_online);
}
std::uint64_t possible_cpu_mask() {
    return cpu_mask(&abi::NodeInfo::cpus);
}

std::size_t count_nodes() {
    std::uint32_t count = 1;
    while (sys::node_info(sdk::own().silo, count).has_value())
        ++count;
    return count;
}

std::uint32_t node_of_cpu(std::uint32_t cpu) {
    for (std::uint32_t index = 0;; ++index) {
        auto const node = sys::node_info(sdk::own().silo, index);
        if (!node)
            return 0;
        if (cpu < 64 && (node->cpus >> cpu & 1) != 0)
            return index;
    }
}

LinuxResult<MemoryInformation> memory_information() {
    auto silo = LTRY(sys::silo_info(sdk::own().silo));
    MemoryInformation result{.total = silo.memory_limit, .used = silo.memory_used};
    auto machine = machine_memory.load(std::memory_order_relaxed);
    if (result.total == 0 || (machine != 0 && result.total > machine))
        result.total = machine;
    return result;
}

std::array<std::uint64_t, 3> load_averages() {
    auto runnable = runnable_tasks();
    Lock lock(load.mutex);
    return load.average.update(sys::clock_now(), runnable);
}

LinuxResult<std::uint64_t> unshare_files(Task& task, bool files, bool fs) {
    if (files && task.files().reference_count() > 1)
        task.set_files(LTRY(task.files().clone()));
    if (fs && task.fs().reference_count() > 1)
        task.set_fs(LTRY(task.fs().clone()));
    return 0;
}

}  // namespace astrata::linux_abi
