// Endpoints: where calls meet receivers.
//
// A call with a receiver waiting is delivered at once and the CPU goes straight to the receiver. Otherwise the caller
// queues, and the next receiver takes its message. Delivery copies between the two threads' register frames (and
// message buffers, for more than 64 bytes) under the endpoint's lock; a caller that gives up passes through that lock
// before it leaves, so that its frame is still there while it is read.
#pragma once

#include "kernel/ipc/wait_set.h"
#include "kernel/object/object.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/wait.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::kernel {

class Thread;

class Endpoint final : public KernelObject {
public:
    explicit Endpoint(Ref<Account> account) : KernelObject(abi::ObjectKind::endpoint, std::move(account)) {}
    ~Endpoint() override;
    void receivers_gone() override;

    /// Sends caller.outgoing and waits for the reply, which the replier puts where it belongs. No kick ends the wait, only a
    /// kill does.
    /// errors    interrupted, peer_closed, and of delivery: no_memory, no_resources, bad_handle,
    /// access_denied
    [[nodiscard]] Result<> call(Thread& caller);

    /// The first half of call: the message was delivered or queued, and the caller's wait is announced.
    struct Started {
        bool is_delivered = false;
        Thread* receiver = nullptr;  // woken, for the caller to switch to; never null if the message was delivered
    };
    /// errors    peer_closed, no_memory, no_resources, bad_handle, access_denied
    [[nodiscard]] Result<Started> start_call(Thread& caller, EndsWait ending = EndsWait::kick_or_kill);
    /// The second half, for a caller that sleeps here.
    /// errors    timed_out, interrupted, peer_closed
    [[nodiscard]] Result<> finish_call(Thread& caller, Started const& started, MonotonicNs deadline);

    enum class Received { message, nothing };
    /// Takes the first queued message into self.frame, if there is one.
    [[nodiscard]] Received take(Thread& self, std::uint64_t key);
    /// Takes a message, or queues the thread as a receiver, its wait announced.
    [[nodiscard]] Received take_or_queue(Thread& self);
    void leave_receivers(Thread& self);

    /// errors    already_exists (is in a wait set)
    [[nodiscard]] Result<> bind(WaitSetEntry& entry);
    /// Leaves `set`. Returns the entry, which is the caller's to end; null if this is not in the set.
    [[nodiscard]] WaitSetEntry* unbind(WaitSet& set);
    /// Nobody can receive any more.
    [[nodiscard]] bool is_closed() {
        LockGuard guard(lock_);
        return is_closed_;
    }

private:
    template <Processors processors>
    friend class FastPath;
    [[nodiscard]] Received take_locked(Thread& self, std::uint64_t key) REQUIRES(lock_);

    SpinLock<LockRank::endpoint, PreemptionOff> lock_;
    WaitQueue callers_ GUARDED_BY(lock_);
    WaitQueue receivers_ GUARDED_BY(lock_);
    WaitSetEntry* entry_ GUARDED_BY(lock_) = nullptr;
    bool is_closed_ GUARDED_BY(lock_) = false;
};

}  // namespace astrata::kernel
