// The personality's lock and its guard. The order in which locks are taken is in core/README.md.
#pragma once

#include "lib/sync/thread_annotations.h"

#if defined(ASTRATA_HOST)

#include <mutex>

namespace astrata::linux_abi {

/// For unit tests: the host's mutex with the same face.
class CAPABILITY("mutex") Mutex {
public:
    constexpr Mutex() = default;
    void lock() ACQUIRE() { mutex_.lock(); }
    void unlock() RELEASE() { mutex_.unlock(); }

private:
    std::mutex mutex_;
};

}  // namespace astrata::linux_abi

#else

#include "sdk/sync.h"

namespace astrata::linux_abi {

using Mutex = sdk::Mutex;

}  // namespace astrata::linux_abi

#endif

namespace astrata::linux_abi {

/// Holds a mutex for a scope. `unlock` ends it early.
class SCOPED_CAPABILITY Lock {
public:
    explicit Lock(Mutex& mutex) ACQUIRE(mutex) : mutex_(&mutex) { mutex.lock(); }
    ~Lock() RELEASE() {
        if (mutex_ != nullptr)
            mutex_->unlock();
    }
    Lock(Lock const&) = delete;
    Lock& operator=(Lock const&) = delete;
    void unlock() RELEASE() {
        mutex_->unlock();
        mutex_ = nullptr;
    }

private:
    Mutex* mutex_;
};

}  // namespace astrata::linux_abi
