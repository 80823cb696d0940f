#include "kernel/ipc/timer.h"

#include <algorithm>

#include "kernel/sched/timers.h"
#include "kernel/time/clock.h"

namespace astrata::kernel {

Timer::Timer(Ref<Account> account) : KernelObject(abi::ObjectKind::timer, std::move(account)), node_(expired, *this) {}

Timer::~Timer() {
    cancel();
}

// The callback may re-arm a periodic timer while it is being cancelled; is_set_ tells it not to, and the second look
// catches one that was re-armed in between.
void Timer::cancel() {
    is_set_.store(false, std::memory_order_seq_cst);
    do
        sched::cancel_timer(node_);
    while (node_.is_armed);
}

void Timer::set(MonotonicNs deadline, std::uint64_t period_ns) {
    LockGuard guard(setting_);
    cancel();
    (void)expirations.take();
    if (deadline == never)
        return;
    period_ns_.store(period_ns, std::memory_order_relaxed);
    is_set_.store(true, std::memory_order_seq_cst);
    sched::arm_timer(node_, deadline);
}

void Timer::expired(TimerNode& node) {
    auto& timer = static_cast<Node&>(node).owner;
    auto const period = timer.period_ns_.load(std::memory_order_relaxed);
    if (period != 0 && timer.is_set_.load(std::memory_order_seq_cst)) {
        // Periods that were missed altogether are skipped, and the phase is kept.
        auto const now = clock::now();
        auto const missed = (now.value - std::min(now, node.deadline).value) / period;
        // A next time beyond the clock's end does not come.
        std::uint64_t next = 0;
        if (!__builtin_mul_overflow(missed + 1, period, &next) &&
            !__builtin_add_overflow(node.deadline.value, next, &next))
            sched::arm_timer(node, MonotonicNs{next});
    }
    timer.expirations.signal(1);
}

}  // namespace astrata::kernel
