// Threads whose task has ended, waiting for another: making one costs Bedrock ten times what waking one does, and
// ending one costs an address space switch.
#pragma once

#include <cstddef>

#include "lib/base/intrusive_list.h"
#include "sdk/sync.h"

namespace astrata::linux_abi {

/// `Work` is what a thread is given to do.
template <typename Work, std::size_t limit>
class IdleThreads {
public:
    /// False if no thread waits.
    bool hand_over(Work& work) {
        sdk::MutexLock lock(mutex_);
        auto* thread = waiting_.pop_front();
        if (thread == nullptr)
            return false;
        --count_;
        thread->work = &work;
        thread->is_called.notify_one();
        return true;
    }

    /// The calling thread's next work; null if as many threads wait already as may, and the thread shall end.
    Work* wait() {
        Idle self;
        sdk::MutexLock lock(mutex_);
        if (count_ == limit)
            return nullptr;
        ++count_;
        waiting_.push_front(self);
        while (self.work == nullptr)
            self.is_called.wait(mutex_);
        return self.work;
    }

private:
    struct Idle {
        ListLink<Idle> link;
        Work* work = nullptr;
        sdk::ConditionVariable is_called;
    };
    sdk::Mutex mutex_;
    IntrusiveList<Idle, &Idle::link>
        waiting_ GUARDED_BY(mutex_);  // the last to come is the first to go: its memory is warm
    std::size_t count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace astrata::linux_abi
