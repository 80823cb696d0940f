// Silos: the unit of isolation, accounting and killing. A silo contains processes and silos.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/ipc/waitable.h"
#include "kernel/object/object.h"
#include "kernel/sched/cpu_share.h"
#include "kernel/sched/priority.h"
#include "kernel/sched/wait.h"
#include "kernel/time/timer_queue.h"
#include "lib/base/intrusive_list.h"

namespace astrata::kernel {

class Process;

/// How many of something a silo may have, counted in it and in those above it.
struct Quota {
    std::atomic<std::uint32_t> used = 0;
    std::atomic<std::uint32_t> limit = ~std::uint32_t{0};
};

class Silo;

/// A silo's part in the division of CPU time; all but the flags is kept by sched/cpu_limits.cc under its lock. As a
/// timer, it ends the pause of a silo whose quota is used up.
struct SiloCpu : TimerNode {
    explicit SiloCpu(Silo& of);

    Silo& silo;
    std::atomic<bool> is_exhausted = false;   // its quota is used up: its threads, and those below, are to stop
    std::atomic<bool> is_over_share = false;  // its threads queue behind those of others
    std::uint64_t quota_us = 0;               // 0: none
    std::uint64_t period_us = 100'000;
    CpuQuota quota;
    CpuWeight weight;
    WaitQueue paused;             // threads that wait for the next period
    std::uint64_t passed_on = 0;  // of run_ticks: charged to the shares here and above
    std::uint64_t times_exhausted = 0;
    std::uint64_t exhausted_since = 0;
    std::uint64_t exhausted_ticks = 0;
    std::uint64_t slowest_child = 0;  // the least clock of the silos below, in the last round
    std::uint64_t least_below = 0;    // likewise, in this round so far
};

class Silo final : public KernelObject {
public:
    /// Silos below silos below the root: charging, counting and destroying go up the whole way, so it is short.
    static constexpr std::uint32_t depth_limit = 16;

    /// Limits of 0 are none but those of `parent`, which is null for the root silo.
    /// errors    no_memory, no_resources (nested too deep), bad_state (parent killed)
    static Result<Ref<Silo>> create(Silo* parent, std::uint64_t memory_limit, std::uint32_t process_limit,
                                    std::uint32_t thread_limit);
    explicit Silo(Ref<Account> own_cost, RefOrNull<Silo> parent, Ref<Account> memory);
    ~Silo() override;

    /// Pays for everything inside the silo.
    [[nodiscard]] Account& memory() const { return *memory_; }
    [[nodiscard]] bool is_root() const { return !parent_; }
    [[nodiscard]] Silo* parent() const { return parent_.get(); }
    /// The most urgent that threads in the silo may be made from inside it: the least that it and all above it allow.
    [[nodiscard]] std::uint8_t highest_priority() const;
    void set_highest_priority(std::uint8_t level) { highest_priority_.store(level, std::memory_order_relaxed); }
    [[nodiscard]] bool is_killed() const { return is_killed_.load(std::memory_order_acquire); }

    /// errors    no_resources, bad_state (killed)
    [[nodiscard]] Result<> count_process();
    void uncount_process() { uncount(&Silo::processes); }
    [[nodiscard]] Result<> count_thread() { return count(&Silo::threads); }
    void uncount_thread() { uncount(&Silo::threads); }

    /// A process that was counted is here now.
    void add_process(Process& process);
    /// The process has ended: it counts no more, in no silo above either. Does nothing the second time.
    void remove_process(Process& process);
    /// Kills all processes here and below; nothing can be created here afterwards.
    void kill();

    Quota processes;
    Quota threads;
    std::atomic<std::uint64_t> run_ticks = 0;
    std::atomic<std::uint64_t> page_faults = 0;
    std::atomic<std::uint64_t> system_calls = 0;
    Waitable events;  // bit 0: the last process, here and below, has ended
    SiloCpu cpu;
    ListLink<Silo> sibling_link;
    ListLink<Silo> cpu_link;  // of all silos, see sched/cpu_limits.cc

private:
    Result<> count(Quota Silo::* quota);
    void uncount(Quota Silo::* quota);

    RefOrNull<Silo> const parent_;
    std::uint32_t const depth_;  // of the root silo: 0
    Ref<Account> const memory_;
    std::atomic<bool> is_killed_ = false;
    std::atomic<std::uint8_t> highest_priority_;
    SpinLock<LockRank::silo_tree, PreemptionOff> lock_;
    IntrusiveList<Silo, &Silo::sibling_link> children_ GUARDED_BY(lock_);
    Process* first_process_ GUARDED_BY(lock_) = nullptr;
};

}  // namespace astrata::kernel
