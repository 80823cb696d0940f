#include "strates/linux/filesystems/proc/system_texts.h"

#include <algorithm>
#include <array>
#include <bit>

#include "abi/system_calls.h"
#include "sdk/own.h"
#include "strates/linux/core/credentials.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/memory/region_map.h"
#include "strates/linux/pipe/pipe.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/system_information.h"
#include "strates/linux/process/times.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

// ---- Memory and time ----

void put_kibibytes(TextBuffer& text, std::string_view name, std::uint64_t bytes) {
    constexpr std::size_t name_width = 16;
    text.put(name).put(':');
    for (auto column = name.size() + 1; column < name_width; ++column)
        text.put(' ');
    text.put_decimal(bytes / 1024, 8).put(" kB\n");
}

// Of all programs; those that share their memory count each.
std::uint64_t large_page_bytes() {
    std::uint64_t sum = 0;
    Lock lock(process_table().mutex);
    process_table().for_each([&](Process& process) {
        if (auto* const task = process.tasks.front(); task != nullptr) {
            if (auto const memory = task->share_memory())
                sum += memory->large_bytes();
        }
    });
    return sum;
}

void make_memory(TextBuffer& text) {
    auto const memory = memory_information();
    std::uint64_t const total = memory ? memory->total : 0;
    std::uint64_t const free = memory ? total - std::min(total, memory->used) : 0;
    put_kibibytes(text, "MemTotal", total);
    put_kibibytes(text, "MemFree", free);
    put_kibibytes(text, "MemAvailable", free);
    // File contents are cached by the file-system strates, in memory of theirs.
    put_kibibytes(text, "Buffers", 0);
    put_kibibytes(text, "Cached", 0);
    put_kibibytes(text, "SwapCached", 0);
    put_kibibytes(text, "SwapTotal", 0);
    put_kibibytes(text, "SwapFree", 0);
    put_kibibytes(text, "Shmem", 0);
    put_kibibytes(text, "AnonHugePages", large_page_bytes());
    put_kibibytes(text, "CommitLimit", total);
    put_kibibytes(text, "Committed_AS", memory ? memory->used : 0);
}

std::uint64_t silo_cpu_ns() {
    auto const silo = sys::silo_info(sdk::own().silo);
    return silo ? silo->cpu_time_ns : 0;
}

// Time that the silo's processors were not working for it.
std::uint64_t idle_ns() {
    auto const all = sys::clock_now().value * static_cast<unsigned>(std::popcount(online_cpu_mask()));
    return all - std::min(all, silo_cpu_ns());
}

void make_uptime(TextBuffer& text) {
    text.put_hundredths(sys::clock_now().value / (second_ns / 100)).put(' ');
    text.put_hundredths(idle_ns() / (second_ns / 100)).put('\n');
}

void make_load(TextBuffer& text) {
    for (auto const load : load_averages())
        text.put_hundredths(load * 100 / 65536).put(' ');
    std::uint32_t running = 0;
    std::uint32_t all = 0;
    ProcessId last = 0;
    {
        Lock lock(process_table().mutex);
        process_table().for_each([&](Process& process) {
            for (auto& task : process.tasks)
                running += task.run_state.load(std::memory_order_relaxed) == TaskState::running ? 1 : 0;
        });
        all = process_table().task_count();
        last = process_table().last_id();
    }
    text.put_decimal(running).put('/').put_decimal(all).put(' ').put_decimal(last).put('\n');
}

void make_statistics(TextBuffer& text) {
    auto const mask = online_cpu_mask();
    auto const cpus = static_cast<unsigned>(std::popcount(mask));
    auto const busy = to_ticks(silo_cpu_ns());
    auto const idle = to_ticks(idle_ns());
    auto put_line = [&](std::uint64_t user, std::uint64_t unused) {
        text.put_decimal(user).put(" 0 0 ").put_decimal(unused).put(" 0 0 0 0 0 0\n");
    };
    text.put("cpu  ");
    put_line(busy, idle);
    // Bedrock accounts a silo's time as one sum; it is shown spread evenly.
    for (auto rest = mask; rest != 0; rest &= rest - 1) {
        auto const cpu = static_cast<unsigned>(std::countr_zero(rest));
        text.put("cpu").put_decimal(cpu).put(' ');
        put_line(busy / cpus, idle / cpus);
    }
    std::uint64_t switches = 0;
    std::uint32_t running = 0;
    std::uint32_t waiting = 0;
    {
        Lock lock(process_table().mutex);
        process_table().for_each([&](Process& process) NO_THREAD_SAFETY_ANALYSIS {  // the lock above is held
            switches += process_usage(process).switches;
            for (auto& task : process.tasks) {
                auto const state = task.run_state.load(std::memory_order_relaxed);
                running += state == TaskState::running ? 1 : 0;
                waiting += state == TaskState::uninterruptible ? 1 : 0;
            }
        });
    }
    text.put("intr 0\nctxt ").put_decimal(switches);
    text.put("\nbtime ").put_decimal((sys::clock_wall_ns() - sys::clock_now().value) / second_ns);
    text.put("\nprocesses ").put_decimal(process_table().forks.load(std::memory_order_relaxed));
    text.put("\nprocs_running ").put_decimal(running).put("\nprocs_blocked ").put_decimal(waiting).put('\n');
}

// ---- What there is ----

void make_version(TextBuffer& text) {
    text.put(system_name).put(" version ").put(system_release).put(' ').put(system_version).put('\n');
}

void make_file_systems(TextBuffer& text) {
    text.put("nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tdevpts\nnodev\toverlay\n");
}

void make_command_line_of_kernel(TextBuffer& text) {
    text.put('\n');
}

void make_partitions(TextBuffer& text) {
    text.put("major minor  #blocks  name\n\n");
}

void make_devices(TextBuffer& text) {
    text.put("Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n");
}

void make_swaps(TextBuffer& text) {
    text.put("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

LinuxResult<std::size_t> put_link(std::span<char> into, std::string_view prefix, std::uint64_t id) {
    TextWriter text(into);
    if (!prefix.empty())
        text.put(prefix);
    text.put_decimal(id);
    return text.size();
}

LinuxResult<std::size_t> self_target(std::span<char> into) {
    auto const* task = current_task_or_null();
    if (task == nullptr)
        return fail(Errno::enoent);
    return put_link(into, {}, task->process().id);
}

LinuxResult<std::size_t> thread_self_target(std::span<char> into) {
    auto const* task = current_task_or_null();
    if (task == nullptr)
        return fail(Errno::enoent);
    TextWriter text(into);
    text.put_decimal(task->process().id).put("/task/").put_decimal(task->id());
    return text.size();
}

LinuxResult<std::size_t> mounts_target(std::span<char> into) {
    TextWriter text(into);
    text.put("self/mounts");
    return text.size();
}

// ---- sys/kernel ----

void make_host_name(TextBuffer& text) {
    std::array<char, 65> name{};
    text.put(host_name(name)).put('\n');
}
void make_domain_name(TextBuffer& text) {
    std::array<char, 65> name{};
    text.put(domain_name(name)).put('\n');
}
LinuxResult<> store_host_name(std::string_view name) {
    if (!current_task().credentials().has(Capability::sys_admin))
        return fail(Errno::eperm);
    if (name.size() > 64)
        return fail(Errno::einval);
    set_host_name(name);
    return {};
}
LinuxResult<> store_domain_name(std::string_view name) {
    if (!current_task().credentials().has(Capability::sys_admin))
        return fail(Errno::eperm);
    if (name.size() > 64)
        return fail(Errno::einval);
    set_domain_name(name);
    return {};
}
void make_release(TextBuffer& text) {
    text.put(system_release).put('\n');
}
void make_type(TextBuffer& text) {
    text.put(system_name).put('\n');
}
void make_system_version(TextBuffer& text) {
    text.put(system_version).put('\n');
}
template <std::uint64_t value>
void make_number(TextBuffer& text) {
    text.put_decimal(value).put('\n');
}

void put_uuid(TextBuffer& text, std::array<std::uint8_t, 16> bytes) {
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // version 4: random
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
    for (std::size_t index = 0; index < bytes.size(); ++index) {
        if (index == 4 || index == 6 || index == 8 || index == 10)
            text.put('-');
        text.put_hexadecimal(bytes[index], 2);
    }
    text.put('\n');
}
void make_uuid(TextBuffer& text) {
    std::array<std::uint8_t, 16> bytes{};
    if (sys::random_read(std::as_writable_bytes(std::span(bytes))))
        put_uuid(text, bytes);
}
void make_boot_id(TextBuffer& text) {
    static Mutex mutex;
    static std::array<std::uint8_t, 16> bytes{};
    static bool is_made = false;
    Lock lock(mutex);
    if (!is_made)
        is_made = sys::random_read(std::as_writable_bytes(std::span(bytes))).has_value();
    put_uuid(text, bytes);
}
void make_open_files(TextBuffer& text) {
    std::uint64_t open = 0;
    ProcessId id = 0;
    for (;;) {
        RefOrNull<FileTable> files;
        {
            Lock lock(process_table().mutex);
            auto* process = process_table().next_process(id);
            if (process == nullptr)
                break;
            id = process->id;
            if (auto* task = process->tasks.front(); task != nullptr)
                files = task->share_files();
        }
        if (!files)
            continue;
        for (auto descriptor = files->next_used(0); descriptor >= 0; descriptor = files->next_used(descriptor + 1))
            ++open;
    }
    text.put_decimal(open).put("\t0\t").put_decimal(FileTable::descriptor_limit).put('\n');
}

constexpr std::array random_entries = {
    StaticEntry{.name = "boot_id", .generate = make_boot_id},
    StaticEntry{.name = "entropy_avail", .generate = make_number<256>},
    StaticEntry{.name = "poolsize", .generate = make_number<256>},
    StaticEntry{.name = "uuid", .generate = make_uuid},
};
constexpr std::array kernel_entries = {
    StaticEntry{.name = "cap_last_cap", .generate = make_number<last_capability>},
    StaticEntry{.name = "domainname", .permissions = 0644, .generate = make_domain_name, .store = store_domain_name},
    StaticEntry{.name = "hostname", .permissions = 0644, .generate = make_host_name, .store = store_host_name},
    StaticEntry{.name = "ngroups_max", .generate = make_number<group_limit>},
    StaticEntry{.name = "osrelease", .generate = make_release},
    StaticEntry{.name = "ostype", .generate = make_type},
    StaticEntry{.name = "pid_max", .generate = make_number<ProcessTable::pid_limit>},
    StaticEntry{.name = "random", .children = random_entries},
    StaticEntry{.name = "threads-max", .generate = make_number<ProcessTable::pid_limit>},
    StaticEntry{.name = "version", .generate = make_system_version},
};
constexpr std::array memory_entries = {
    StaticEntry{.name = "max_map_count", .generate = make_number<RegionMap::region_limit>},
    StaticEntry{.name = "mmap_min_addr", .generate = make_number<guest_minimum>},
    StaticEntry{.name = "overcommit_memory", .generate = make_number<1>},
    StaticEntry{.name = "swappiness", .generate = make_number<0>},
};
constexpr std::array file_entries = {
    StaticEntry{.name = "file-max", .generate = make_number<FileTable::descriptor_limit>},
    StaticEntry{.name = "file-nr", .generate = make_open_files},
    StaticEntry{.name = "nr_open", .generate = make_number<FileTable::descriptor_limit>},
    StaticEntry{.name = "pipe-max-size", .generate = make_number<Pipe::capacity_limit>},
};
constexpr std::array system_entries = {
    StaticEntry{.name = "fs", .children = file_entries},
    StaticEntry{.name = "kernel", .children = kernel_entries},
    StaticEntry{.name = "vm", .children = memory_entries},
};

constexpr std::array entries = {
    StaticEntry{.name = "cmdline", .generate = make_command_line_of_kernel},
    StaticEntry{.name = "cpuinfo", .generate = make_processors},
    StaticEntry{.name = "devices", .generate = make_devices},
    StaticEntry{.name = "filesystems", .generate = make_file_systems},
    StaticEntry{.name = "loadavg", .generate = make_load},
    StaticEntry{.name = "meminfo", .generate = make_memory},
    StaticEntry{.name = "mounts", .link_target = mounts_target},
    StaticEntry{.name = "partitions", .generate = make_partitions},
    StaticEntry{.name = "self", .link_target = self_target},
    StaticEntry{.name = "stat", .generate = make_statistics},
    StaticEntry{.name = "swaps", .generate = make_swaps},
    StaticEntry{.name = "sys", .children = system_entries},
    StaticEntry{.name = "thread-self", .link_target = thread_self_target},
    StaticEntry{.name = "uptime", .generate = make_uptime},
    StaticEntry{.name = "version", .generate = make_version},
};
constexpr StaticEntry root = {.children = entries};

}  // namespace

StaticEntry const& proc_tree() {
    return root;
}

}  // namespace astrata::linux_abi
