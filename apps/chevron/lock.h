// Mutual exclusion between the threads of a pipeline; on the host, where tests run, the host's own.
#pragma once

#include "lib/sync/thread_annotations.h"

#if defined(ASTRATA_HOST)

#include <condition_variable>
#include <mutex>

namespace astrata::chevron {

class CAPABILITY("mutex") Mutex {
public:
    void lock() ACQUIRE() { mutex_.lock(); }
    void unlock() RELEASE() { mutex_.unlock(); }

private:
    std::mutex mutex_;
};

class Condition {
public:
    // The host's variable unlocks and locks through the same face; the analysis cannot see that the lock is held again.
    void wait(Mutex& mutex) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS { condition_.wait(mutex); }
    void notify_all() { condition_.notify_all(); }

private:
    std::condition_variable_any condition_;
};

}  // namespace astrata::chevron

#else

#include "sdk/sync.h"

namespace astrata::chevron {

using Mutex = sdk::Mutex;
using Condition = sdk::ConditionVariable;

}  // namespace astrata::chevron

#endif

namespace astrata::chevron {

/// Holds a mutex for a scope.
class SCOPED_CAPABILITY Lock {
public:
    explicit Lock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex.lock(); }
    ~Lock() RELEASE() { mutex_.unlock(); }
    Lock(Lock const&) = delete;
    Lock& operator=(Lock const&) = delete;

private:
    Mutex& mutex_;
};

}  // namespace astrata::chevron
