#include "strates/linux/process/out_of_memory.h"

#include <algorithm>

#include "sdk/log.h"
#include "strates/linux/core/wait.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/system_information.h"
#include "strates/linux/time/linux_time.h"

namespace astrata::linux_abi {
namespace {

constexpr std::int32_t never_killed = -1000;
constexpr std::uint64_t patience_ns = 2'000'000'000;
constexpr std::uint64_t look_again_ns = 2'000'000;
constexpr std::uint64_t settling_ns = 100'000'000;

// What one process stands for when memory is short.
struct Candidate {
    ProcessId id = 0;
    std::int32_t adjustment = 0;
    RefOrNull<Memory> memory;
};

// The process with the lowest id from `id` on; none has an id of 0.
Candidate candidate_from(ProcessId id) {
    Lock lock(process_table().mutex);
    Process* found = nullptr;
    process_table().for_each([&](Process& process) {
        if (process.id >= id && (found == nullptr || process.id < found->id))
            found = &process;
    });
    if (found == nullptr)
        return {};
    Candidate candidate{.id = found->id, .adjustment = found->oom_score_adjustment.load(std::memory_order_relaxed)};
    if (auto* const task = found->tasks.front(); task != nullptr && !found->is_init() && !found->is_zombie)
        candidate.memory = task->share_memory();
    return candidate;
}

// As Linux counts: the adjustment is thousandths of all memory that there is for the silo. 0: not to be killed.
std::uint64_t score(Candidate const& candidate, std::uint64_t room) {
    if (!candidate.memory || candidate.adjustment <= never_killed)
        return 0;
    auto const bonus = static_cast<std::int64_t>(room / 1000) * candidate.adjustment;
    auto const sum = static_cast<std::int64_t>(candidate.memory->resident_bytes()) + bonus;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 1));
}

std::uint64_t room_of_silo() {
    auto const memory = memory_information();
    return memory.has_value() ? memory->total : 0;
}

// No lock is held while memory is looked at: the last reference to it may turn out to be ours.
ProcessId choose_victim() {
    auto const room = room_of_silo();
    ProcessId victim = 0;
    std::uint64_t highest = 0;
    for (auto candidate = candidate_from(1); candidate.id != 0; candidate = candidate_from(candidate.id + 1)) {
        if (auto const found = score(candidate, room); found > highest) {
            victim = candidate.id;
            highest = found;
        }
    }
    return victim;
}

// The process that was killed last. One at a time: its memory must have had time to come back before another one goes.
struct LastVictim {
    ProcessId id = 0;
    std::uint64_t killed_ns = 0;
    std::uint64_t ended_ns = 0;  // 0: not seen yet
};
constinit LastVictim last_victim GUARDED_BY(process_table().mutex);

bool has_ended(ProcessId id) REQUIRES(process_table().mutex) {
    auto const* const process = process_table().find_process(id);
    return process == nullptr || process->is_zombie;
}

bool is_memory_coming() REQUIRES(process_table().mutex) {
    if (last_victim.id == 0)
        return false;
    if (!has_ended(last_victim.id))
        return true;
    auto const now = sys::clock_now().value;
    if (last_victim.ended_ns == 0)
        last_victim.ended_ns = now;
    return now - last_victim.ended_ns < settling_ns;
}

void kill(Process& process) REQUIRES(process_table().mutex) {
    auto const* const task = process.tasks.front();
    sdk::log("linux: ", task != nullptr ? task->name() : std::string_view(), "[", process.id, "] killed: out of memory");
    last_victim = {.id = process.id, .killed_ns = sys::clock_now().value};
    begin_group_exit(process, WaitStatus::killed(Signal::sigkill, false));
}

// Until the one that was killed last has ended, or a moment if it has.
void await_memory(Task& task) REQUIRES(process_table().mutex) {
    WaitQueue nobody_wakes;
    do {
        static_cast<void>(wait(nobody_wakes, process_table().mutex, deadline_in(look_again_ns), WaitMode::killable));
        // It does not end; then this one must, or both would wait for ever.
        if (!has_ended(last_victim.id) && sys::clock_now().value - last_victim.killed_ns > patience_ns)
            kill(task.process());
    } while (!task.is_dying() && !has_ended(last_victim.id));
}

}  // namespace

void kill_largest_process(Task& task) {
    {
        Lock lock(process_table().mutex);
        if (is_memory_coming())
            return await_memory(task);
    }
    auto const id = choose_victim();
    Lock lock(process_table().mutex);
    // Another task may have chosen meanwhile.
    if (!is_memory_coming()) {
        auto* const victim = process_table().find_process(id);
        kill(victim != nullptr ? *victim : task.process());
    }
    if (!task.is_dying())
        await_memory(task);
}

std::uint64_t memory_score(ProcessId process) {
    auto const room = room_of_silo();
    auto const candidate = candidate_from(process);
    return candidate.id == process && room != 0 ? score(candidate, room) * 1000 / room : 0;
}

}  // namespace astrata::linux_abi
