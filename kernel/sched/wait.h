// Queues of waiting threads. A thread waits in three steps: it announces that it will (prepare_to_wait), makes itself
// findable (a queue, under that queue's lock) and blocks. Whoever wants to wake it must win Thread::try_wake, so that
// of a message, a deadline and a kick exactly one ends the wait.
#pragma once

#include "kernel/ipc/processors.h"

namespace astrata::kernel {

class Thread;

/// Threads that wait for one thing, first come first served. Guarded by the lock of that thing.
class WaitQueue {
public:
    [[nodiscard]] bool is_empty() const { return first_ == nullptr; }
    void push(Thread& thread);
    /// Before those who are less urgent than the thread.
    void push_by_urgency(Thread& thread);
    [[nodiscard]] bool contains(Thread const& thread) const;
    /// Takes out the first thread that is still waiting, having won try_wake with `status` 0; null if there is none.
    /// The thread is the caller's to make ready.
    [[nodiscard]] Thread* pop_woken();
    /// Takes out the first thread that is still waiting without waking it; null if there is none. It may stop waiting
    /// at any time, but, to leave, must pass through the lock of this queue.
    [[nodiscard]] Thread* pop_waiting();
    /// Takes the thread out if it is in this queue.
    void remove(Thread& thread);
    /// The first thread, whether it still waits or not.
    [[nodiscard]] Thread* first() const { return first_; }

private:
    template <Processors processors>
    friend class FastPath;
    Thread* first_ = nullptr;
    Thread* last_ = nullptr;
};

}  // namespace astrata::kernel
