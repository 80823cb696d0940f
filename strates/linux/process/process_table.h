// Every process, task, group and session of the silo, and the one lock over their relations.
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>

#include "strates/linux/process/process.h"

namespace astrata::linux_abi {

class ProcessTable {
public:
    /// First in the lock order: taken before any Process::signal_mutex.
    Mutex mutex;

    /// Makes the personality's own init, pid 1: it has no program, adopts orphans and lets them go at once.
    [[nodiscard]] LinuxResult<> start();
    [[nodiscard]] Process& init() REQUIRES(mutex) { return *init_; }

    /// A free id: above the last one given, from 300 again after pid_limit.
    /// errors    eagain (all are in use)
    [[nodiscard]] LinuxResult<ProcessId> allocate_id() REQUIRES(mutex);

    void insert(Process& process) REQUIRES(mutex);
    void remove(Process& process) REQUIRES(mutex);
    void insert(Task& task) REQUIRES(mutex);
    void remove(Task& task) REQUIRES(mutex);
    void insert(ProcessGroup& group) REQUIRES(mutex);

    /// Borrowed while the lock is held. Zombies are found too.
    [[nodiscard]] Process* find_process(ProcessId id) REQUIRES(mutex);
    [[nodiscard]] Task* find_task(ProcessId id) REQUIRES(mutex);
    /// A group that has members.
    [[nodiscard]] ProcessGroup* find_group(ProcessId id) REQUIRES(mutex);
    /// The process with the lowest id above `after`; null at the end.
    [[nodiscard]] Process* next_process(ProcessId after) REQUIRES(mutex);
    /// The task of `process` with the lowest id above `after`.
    [[nodiscard]] Task* next_task(Process& process, ProcessId after) REQUIRES(mutex);

    /// Calls `visit` for each process. `visit` must not change the table.
    template <std::invocable<Process&> Visitor>
    void for_each(Visitor visit) REQUIRES(mutex) {
        for (auto& process : processes_)
            visit(process);
    }
    template <std::invocable<Process&> Visitor>
    void for_each_in_group(ProcessGroup const& group, Visitor visit) REQUIRES(mutex) {
        for (auto& process : processes_) {
            if (process.group.get() == &group)
                visit(process);
        }
    }

    /// Moves the process to another group; the old group is forgotten with its last member.
    void set_group(Process& process, Ref<ProcessGroup> group) REQUIRES(mutex);
    /// Whether no member of the group has a parent in the same session but another group (setpgid(2), orphaned).
    [[nodiscard]] bool is_orphaned(ProcessGroup const& group, Process const* without = nullptr) REQUIRES(mutex);
    [[nodiscard]] bool is_group_empty(ProcessGroup const& group) REQUIRES(mutex);

    [[nodiscard]] std::uint32_t task_count() REQUIRES(mutex) { return task_count_; }
    [[nodiscard]] ProcessId last_id() const { return last_id_; }
    /// Processes and threads started since boot, for /proc/stat.
    std::atomic<std::uint64_t> forks = 0;

    /// At most this many tasks at a time.
    void set_task_limit(std::uint32_t limit) { task_limit_.store(limit, std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t task_limit() const { return task_limit_.load(std::memory_order_relaxed); }

    static constexpr ProcessId pid_limit = 32768;

private:
    static constexpr std::size_t bucket_count = 256;
    using TaskBucket = IntrusiveList<Task, &Task::table_link>;
    static std::size_t bucket(ProcessId id) { return id % bucket_count; }
    [[nodiscard]] bool is_id_used(ProcessId id) REQUIRES(mutex);

    Process* init_ = nullptr;
    IntrusiveList<Process, &Process::table_link> processes_ GUARDED_BY(mutex);  // ascending ids
    IntrusiveList<ProcessGroup, &ProcessGroup::table_link> groups_ GUARDED_BY(mutex);
    std::array<TaskBucket, bucket_count> tasks_ GUARDED_BY(mutex);
    std::uint32_t task_count_ GUARDED_BY(mutex) = 0;
    ProcessId last_id_ = 1;
    std::atomic<std::uint32_t> task_limit_ = pid_limit - 1;
};

/// The silo's table.
[[nodiscard]] ProcessTable& process_table();

}  // namespace astrata::linux_abi
