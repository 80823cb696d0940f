#include "kernel/sched/reaper.h"

#include "kernel/object/object.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel {

/// Objects whose last reference waits to be dropped.
class LateObjects {
public:
    void push(KernelObject& object) {
        object.next_ended_ = first_;
        first_ = &object;
    }
    KernelObject* pop() {
        auto* const object = first_;
        if (object != nullptr)
            first_ = object->next_ended_;
        return object;
    }

private:
    KernelObject* first_ = nullptr;
};

namespace {

constinit SpinLock<LockRank::reaper, IrqsOff> lock;
constinit IntrusiveList<Thread, &Thread::run_link> ended GUARDED_BY(lock);
constinit LateObjects late_objects GUARDED_BY(lock);
constinit Thread* reaper = nullptr;

Thread* take_one() {
    LockGuard guard(lock);
    return ended.pop_front();
}

KernelObject* take_object() {
    LockGuard guard(lock);
    return late_objects.pop();
}

void wake_reaper() {
    if (reaper != nullptr && reaper->try_wake(wake_normal))
        sched::make_ready(*reaper);
}

void reap(void*) {
    for (;;) {
        auto& self = arch::current_thread();
        self.prepare_to_wait();
        if (auto* thread = take_one(); thread != nullptr) {
            self.cancel_wait();
            thread->drop_reference();
            continue;
        }
        if (auto* object = take_object(); object != nullptr) {
            self.cancel_wait();
            object->drop_reference();
            continue;
        }
        (void)self.block(never);
    }
}

}  // namespace

Result<> start_reaper(Account& account) {
    auto thread = TRY(Thread::create_kernel(account, "reaper", reap, nullptr));
    reaper = thread.leak();
    sched::make_ready(*reaper);
    return {};
}

void hand_to_reaper(Thread& thread) {
    {
        LockGuard guard(lock);
        ended.push_back(thread);
    }
    wake_reaper();
}

void hand_to_reaper(KernelObject& object) {
    {
        LockGuard guard(lock);
        late_objects.push(object);
    }
    wake_reaper();
}

}  // namespace astrata::kernel
