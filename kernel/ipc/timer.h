// Timer objects: signalled at a deadline, once or periodically.
#pragma once

#include "kernel/ipc/waitable.h"
#include "kernel/object/object.h"
#include "kernel/time/timer_queue.h"

namespace astrata::kernel {

class Timer final : public KernelObject {
public:
    explicit Timer(Ref<Account> account);
    ~Timer() override;

    /// Replaces the former setting; deadline `never` disarms. period_ns 0: once.
    void set(MonotonicNs deadline, std::uint64_t period_ns);

    Waitable expirations;   // bit 0

private:
    struct Node : TimerNode {
        Node(Expired on_expiry, Timer& of) : TimerNode(on_expiry), owner(of) {}
        Timer& owner;
    };
    static void expired(TimerNode& node);
    void cancel();

    Node node_;
    std::atomic<std::uint64_t> period_ns_ = 0;
    std::atomic<bool> is_set_ = false;
    SpinLock<LockRank::timer_object, PreemptionOff> setting_;
};

}  // namespace astrata::kernel
