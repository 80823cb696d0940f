// Armed timers of one CPU: a balanced tree with its links in the timers, so that arming allocates nothing, and each step
// takes the logarithm of their number, which users choose, with interrupts off.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "lib/base/units.h"
#include "lib/tree/avl_tree.h"

namespace astrata::kernel {

/// Something that happens at a deadline. `expired` runs in interrupt context on the CPU that it was armed on.
struct TimerNode : AvlLink {
    using Expired = void (*)(TimerNode&);

    explicit TimerNode(Expired on_expiry) : expired(on_expiry) {}
    TimerNode(TimerNode const&) = delete;
    TimerNode& operator=(TimerNode const&) = delete;

    Expired const expired;
    MonotonicNs deadline = never;         // the latest time
    std::uint64_t slack_ns = 0;           // it may expire so much earlier, when there is an interrupt anyway
    bool is_armed = false;
    std::atomic<std::uint32_t> cpu = 0;   // whose queue it is in while armed
};

/// Not locked; the per-CPU owner sees to that.
class TimerQueue {
public:
    [[nodiscard]] TimerNode* first() const { return first_; }

    /// Its deadline stays the same while it is in the queue.
    void insert(TimerNode& timer) {
        timer.is_armed = true;
        (void)timers_.insert(timer);
        if (first_ == nullptr || KeyOf{}(timer) < KeyOf{}(*first_))
            first_ = &timer;
    }

    void remove(TimerNode& timer) {
        if (first_ == &timer)
            first_ = Timers::next(timer);
        timers_.remove(timer);
        timer.is_armed = false;
    }

private:
    // The address tells timers with the same deadline apart.
    struct KeyOf {
        std::pair<std::uint64_t, std::uint64_t> operator()(TimerNode const& timer) const {
            return {timer.deadline.value, reinterpret_cast<std::uint64_t>(&timer)};
        }
    };
    using Timers = AvlTree<TimerNode, KeyOf>;

    Timers timers_;
    TimerNode* first_ = nullptr;
};

}  // namespace astrata::kernel
