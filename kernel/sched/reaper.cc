#include "kernel/sched/reaper.h"

#include "kernel/mem/address_space.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel {

namespace {

constinit SpinLock<LockRank::reaper, IrqsOff> lock;
constinit IntrusiveList<Thread, &Thread::run_link> ended GUARDED_BY(lock);
constinit AddressSpace* unused_spaces GUARDED_BY(lock) = nullptr;
constinit Thread* reaper = nullptr;

Thread* take_one() {
    LockGuard guard(lock);
    return ended.pop_front();
}

AddressSpace* take_space() {
    LockGuard guard(lock);
    auto* const space = unused_spaces;
    if (space != nullptr)
        unused_spaces = space->next_unused;
    return space;
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
        if (auto* space = take_space(); space != nullptr) {
            self.cancel_wait();
            space->drop_reference();
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

void hand_to_reaper(AddressSpace& space) {
    {
        LockGuard guard(lock);
        space.next_unused = unused_spaces;
        unused_spaces = &space;
    }
    wake_reaper();
}

}  // namespace astrata::kernel
