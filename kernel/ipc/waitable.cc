#include "kernel/ipc/waitable.h"

#include <utility>

#include "kernel/ipc/interrupt.h"
#include "kernel/ipc/notification.h"
#include "kernel/ipc/timer.h"
#include "kernel/ipc/wait_set.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

Waitable::~Waitable() = default;

Thread* Waitable::add(std::uint64_t bits) {
    LockGuard guard(lock_);
    bits_ |= bits;
    if (auto* const woken = waiters_.pop_woken(); woken != nullptr)
        return woken;
    return entry_ != nullptr ? entry_->set.mark_ready(*entry_) : nullptr;
}

void Waitable::signal(std::uint64_t bits) {
    if (auto* const woken = add(bits); woken != nullptr)
        sched::make_ready(*woken);
}

std::uint64_t Waitable::take() {
    LockGuard guard(lock_);
    return is_sticky_ ? bits_ : std::exchange(bits_, 0);
}

Result<std::uint64_t> Waitable::wait(MonotonicNs deadline) {
    auto& self = arch::current_thread();
    for (;;) {
        {
            LockGuard guard(lock_);
            if (auto const bits = is_sticky_ ? bits_ : std::exchange(bits_, 0); bits != 0)
                return bits;
            if (deadline.value == 0)
                return fail(Error::would_block);
            self.prepare_to_wait();
            waiters_.push(self);
        }
        auto const status = self.block(deadline);
        {
            LockGuard guard(lock_);
            waiters_.remove(self);
        }
        if (status != wake_normal)
            return fail(static_cast<Error>(status));
    }
}

Result<> Waitable::bind(WaitSetEntry& entry) {
    Thread* woken = nullptr;
    {
        LockGuard guard(lock_);
        if (entry_ != nullptr)
            return fail(Error::already_exists);
        entry_ = &entry;
        entry.set.link(entry);
        if (bits_ != 0)
            woken = entry.set.mark_ready(entry);
    }
    if (woken != nullptr)
        sched::make_ready(*woken);
    return {};
}

WaitSetEntry* Waitable::unbind(WaitSet& set) {
    LockGuard guard(lock_);
    if (entry_ == nullptr || &entry_->set != &set)
        return nullptr;
    auto* const entry = std::exchange(entry_, nullptr);
    return set.unlink(*entry) ? entry : nullptr;
}

Waitable* waitable_of(KernelObject& object) {
    switch (object.kind()) {
    case abi::ObjectKind::notification: return &static_cast<Notification&>(object).signals;
    case abi::ObjectKind::timer: return &static_cast<Timer&>(object).expirations;
    case abi::ObjectKind::interrupt: return &static_cast<Interrupt&>(object).arrivals;
    case abi::ObjectKind::process: return &static_cast<Process&>(object).ended;
    case abi::ObjectKind::silo: return &static_cast<Silo&>(object).events;
    case abi::ObjectKind::address_space:
    case abi::ObjectKind::thread:
    case abi::ObjectKind::memory_object:
    case abi::ObjectKind::endpoint:
    case abi::ObjectKind::wait_set:
    case abi::ObjectKind::io_region:
    case abi::ObjectKind::dma_domain:
    case abi::ObjectKind::log:
    case abi::ObjectKind::reply: return nullptr;
    }
    return nullptr;
}

}  // namespace astrata::kernel
