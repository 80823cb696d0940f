// The scheduler as IPC tests see it: each kernel thread is a fiber of the host, any number of CPUs run them, and the
// test decides who goes on wherever one may come between another: around every lock, and before every switch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernel/sched/thread.h"
#include "lib/testing/choices.h"

namespace astrata::kernel {

/// The fast path, which is a friend of all that takes part in a message, is not built for the host; tests look in
/// through it.
template <>
class FastPath<Processors::one> {
public:
    static bool is_queued(Thread const& thread) { return thread.wait_queue_ != nullptr; }
    static bool has_permit(Thread const& thread) { return thread.has_permit_.load(); }
};
using Window = FastPath<Processors::one>;

class Fiber;

class FiberScheduler {
public:
    explicit FiberScheduler(testing::Choices& choices);
    ~FiberScheduler();
    FiberScheduler(FiberScheduler const&) = delete;
    FiberScheduler& operator=(FiberScheduler const&) = delete;

    /// Runs `body` as the thread, which ends when it comes back. Null: not a thread, but something that interrupts do.
    Fiber& start(RefOrNull<Thread> thread, std::function<void()> body);
    /// Lets fibers run until each has ended or sleeps.
    void run_until_quiet();
    [[nodiscard]] bool have_all_ended() const;
    /// By whoever is between two system calls: ends the thread if it was killed.
    void come_by();
    /// Expires one of the armed timers; false: there is none.
    bool expire_some_timer();
    [[nodiscard]] bool is_asleep(Thread const& thread) const;

    // ---- What the kernel's scheduler does.

    void make_ready(Thread& thread);
    void switch_away();
    [[noreturn]] void exit_thread();
    void arm_timer(TimerNode& timer);
    void cancel_timer(TimerNode& timer);

    static inline FiberScheduler* current = nullptr;

private:
    Fiber& fiber_of(Thread const& thread) const;
    void enter(Fiber& fiber);
    void leave();
    static void come_between();
    static void let_others_run();
    static void begin();

    testing::Choices& choices_;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    std::vector<Fiber*> turn_;  // who ran longest ago comes first
    Fiber* running_ = nullptr;  // null: the test itself
    std::vector<TimerNode*> timers_;
    TimerNode* expiring_ = nullptr;
};

}  // namespace astrata::kernel
