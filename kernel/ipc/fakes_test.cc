#include "kernel/ipc/fakes_test.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <ucontext.h>

#include "kernel/boot/vdso.h"
#include "kernel/object/process.h"
#include "kernel/sched/cpu_limits.h"
#include "kernel/sched/reaper.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread_registry.h"
#include "kernel/sched/timers.h"
#include "kernel/time/clock.h"
#include "kernel/trace/trace.h"
#include "kernel/trap/user_exit.h"

namespace astrata::kernel {

using testing::require;

namespace {

constexpr std::size_t stack_bytes = 256 << 10;

// Stacks that ended fibers have left.
std::vector<std::unique_ptr<std::array<std::byte, stack_bytes>>> free_stacks;

// Of the test itself, whose stack is not ours.
ucontext_t own_context;
void const* own_stack = nullptr;
std::size_t own_stack_bytes = 0;

}  // namespace

class Fiber {
public:
    explicit Fiber(RefOrNull<Thread> of, std::function<void()> does) : thread(std::move(of)), body(std::move(does)) {
        if (free_stacks.empty()) {
            stack = std::make_unique<std::array<std::byte, stack_bytes>>();
        } else {
            stack = std::move(free_stacks.back());
            free_stacks.pop_back();
        }
        // Whoever had it before may have left in the middle of a function.
        ASAN_UNPOISON_MEMORY_REGION(stack->data(), stack_bytes);
    }
    ~Fiber() { free_stacks.push_back(std::move(stack)); }
    Fiber(Fiber const&) = delete;
    Fiber& operator=(Fiber const&) = delete;

    RefOrNull<Thread> thread;
    std::function<void()> body;
    std::unique_ptr<std::array<std::byte, stack_bytes>> stack;
    ucontext_t context{};
    void* fake_stack = nullptr;
    bool has_begun = false;
    bool has_ended = false;
    bool is_asleep = false;
    int ready = 0;  // how often it was made ready
};

FiberScheduler::FiberScheduler(testing::Choices& choices) : choices_(choices) {
    current = this;
    arch::host_come_between = come_between;
    arch::host_let_others_run = let_others_run;
}

FiberScheduler::~FiberScheduler() {
    arch::host_come_between = arch::host_let_others_run = nullptr;
    fibers_.clear();
    current = nullptr;
}

Fiber& FiberScheduler::start(RefOrNull<Thread> thread, std::function<void()> body) {
    if (thread)
        require(thread->claim_unstarted());
    auto& fiber = *fibers_.emplace_back(std::make_unique<Fiber>(std::move(thread), std::move(body)));
    turn_.push_back(&fiber);
    return fiber;
}

Fiber& FiberScheduler::fiber_of(Thread const& thread) const {
    auto const found = std::ranges::find_if(fibers_, [&](auto const& fiber) { return fiber->thread.get() == &thread; });
    require(found != fibers_.end());
    return **found;
}

bool FiberScheduler::is_asleep(Thread const& thread) const {
    return fiber_of(thread).is_asleep;
}

bool FiberScheduler::have_all_ended() const {
    return std::ranges::all_of(fibers_, &Fiber::has_ended);
}

void FiberScheduler::run_until_quiet() {
    for (;;) {
        std::vector<Fiber*> able;
        for (auto* const fiber : turn_) {
            if (!fiber->has_ended && (!fiber->is_asleep || fiber->ready > 0))
                able.push_back(fiber);
        }
        if (able.empty())
            return;
        auto& next = *choices_.from(able);
        std::erase(turn_, &next);
        turn_.push_back(&next);
        enter(next);
    }
}

// ---- Switching.

void FiberScheduler::begin() {
    __sanitizer_finish_switch_fiber(nullptr, &own_stack, &own_stack_bytes);
    auto& self = *current;
    self.running_->body();
    if (self.running_->thread)
        self.running_->thread->end();
    self.exit_thread();
}

void FiberScheduler::enter(Fiber& fiber) {
    running_ = &fiber;
    arch::host_current_thread = fiber.thread.get();
    if (!fiber.has_begun) {
        fiber.has_begun = true;
        require(getcontext(&fiber.context) == 0);
        fiber.context.uc_stack.ss_sp = fiber.stack->data();
        fiber.context.uc_stack.ss_size = stack_bytes;
        makecontext(&fiber.context, begin, 0);
    }
    void* fake_stack = nullptr;
    __sanitizer_start_switch_fiber(&fake_stack, fiber.stack->data(), stack_bytes);
    swapcontext(&own_context, &fiber.context);
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
    running_ = nullptr;
    arch::host_current_thread = nullptr;
}

void FiberScheduler::leave() {
    auto& self = *running_;
    __sanitizer_start_switch_fiber(self.has_ended ? nullptr : &self.fake_stack, own_stack, own_stack_bytes);
    swapcontext(&self.context, &own_context);
    __sanitizer_finish_switch_fiber(self.fake_stack, nullptr, nullptr);
}

void FiberScheduler::come_between() {
    if (current->running_ != nullptr && current->choices_.one_in(8))
        current->leave();
}

void FiberScheduler::let_others_run() {
    require(current->running_ != nullptr);  // the test itself would wait for ever
    current->leave();
}

void FiberScheduler::come_by() {
    auto& thread = *running_->thread;
    require(!Window::is_queued(thread) && !thread.is_waiting());
    if (thread.is_kill_pending())
        thread.end();
}

// ---- The scheduler.

// Exactly one switch away matches it: of those who would end a wait, one has won.
void FiberScheduler::make_ready(Thread& thread) {
    auto& fiber = fiber_of(thread);
    require(!fiber.has_ended && ++fiber.ready == 1);
}

void FiberScheduler::switch_away() {
    auto& self = *running_;
    self.is_asleep = true;
    leave();
    require(self.ready == 1);
    self.ready = 0;
    self.is_asleep = false;
}

void FiberScheduler::exit_thread() {
    require(running_->ready == 0);
    running_->has_ended = true;
    leave();
    std::abort();
}

void FiberScheduler::arm_timer(TimerNode& timer) {
    require(!timer.is_armed);
    timer.is_armed = true;
    timers_.push_back(&timer);
}

void FiberScheduler::cancel_timer(TimerNode& timer) {
    if (timer.is_armed) {
        timer.is_armed = false;
        std::erase(timers_, &timer);
    }
    while (expiring_ == &timer)
        arch::pause();
}

bool FiberScheduler::expire_some_timer() {
    if (timers_.empty())
        return false;
    auto* const timer = choices_.from(timers_);
    std::erase(timers_, timer);
    timer->is_armed = false;
    expiring_ = timer;
    timer->expired(*timer);
    expiring_ = nullptr;
    return true;
}

void sched::make_ready(Thread& thread) {
    FiberScheduler::current->make_ready(thread);
}
void sched::switch_away() {
    FiberScheduler::current->switch_away();
}
void sched::switch_to(Thread& next) {
    FiberScheduler::current->make_ready(next);
    FiberScheduler::current->switch_away();
}
void sched::exit_thread() {
    FiberScheduler::current->exit_thread();
}
void sched::arm_timer(TimerNode& timer, MonotonicNs deadline, std::uint64_t) {
    timer.deadline = deadline;
    FiberScheduler::current->arm_timer(timer);
}
void sched::cancel_timer(TimerNode& timer) {
    FiberScheduler::current->cancel_timer(timer);
}
void sched::finish_switch() {}
void sched::end_lending(Thread&) {}
void sched::interrupt_if_running(Thread&) {}

// ---- Others.

void settle_before_user_mode(arch::TrapFrame&) {}

SiloCpu::SiloCpu(Silo& of) : TimerNode([](TimerNode&) {}), silo(of) {}
void cpu_limits::add(Silo&) {}
void cpu_limits::remove(Silo&) {}
void cpu_limits::stop_waiting(Thread&) {}

std::uint64_t Thread::used_ticks() {
    return run_ticks;
}

void register_process(Process&) {}
void unregister_process(Process&) {}
void register_thread(Thread&) {}
void unregister_thread(Thread&) {}

constinit std::atomic<std::uint32_t> trace::enabled_groups = 0;
void trace::record(abi::TraceRecord const&) {}
void trace::record_process_end(Process&, abi::ProcessState, std::int64_t) {}
void trace::record_silo_start(Silo&, Silo const*) {}
void trace::record_silo_end(Silo&) {}
void trace::Call::begin() {
    number_ = static_cast<std::uint16_t>(frame_.number());
}
void trace::Call::end() {}

Result<VirtAddr> furnish_home(AddressSpace&) {
    return VirtAddr{};
}

std::uint64_t clock::ns_from_ticks(std::uint64_t ticks) {
    return ticks;
}

}  // namespace astrata::kernel
