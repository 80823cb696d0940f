#include "kernel/sched/reaper.h"

#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel {

namespace {

constinit SpinLock<LockRank::reaper, IrqsOff> lock;
constinit IntrusiveList<Thread, &Thread::run_link> ended GUARDED_BY(lock);
constinit Thread* reaper = nullptr;

Thread* take_one() {
    LockGuard guard(lock);
    return ended.pop_front();
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
    if (reaper != nullptr && reaper->try_wake(wake_normal))
        sched::make_ready(*reaper);
}

}  // namespace astrata::kernel
