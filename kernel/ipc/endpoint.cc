#include "kernel/ipc/endpoint.h"

#include <utility>

#include "kernel/ipc/message_transfer.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

Endpoint::~Endpoint() = default;

void Endpoint::receivers_gone() {
    for (;;) {
        Thread* caller = nullptr;
        {
            LockGuard guard(lock_);
            is_closed_ = true;
            caller = callers_.pop_woken();
            if (caller != nullptr)
                caller->set_wake_status(static_cast<std::uint32_t>(Error::peer_closed));
        }
        if (caller == nullptr)
            return;
        sched::make_ready(*caller);
    }
}

Result<> Endpoint::call(Thread& caller) {
    auto const started = TRY(start_call(caller, EndsWait::kill));
    return finish_call(caller, started, never);
}

Result<Endpoint::Started> Endpoint::start_call(Thread& caller, EndsWait ending) {
    LockGuard guard(lock_);
    if (is_closed_)
        return fail(Error::peer_closed);
    std::uint64_t key = 0;
    auto* receiver = receivers_.pop_woken();
    if (receiver == nullptr && entry_ != nullptr) {
        receiver = entry_->set.pop_waiter();
        key = entry_->key;
    }
    // The wait begins before the receiver can possibly answer.
    caller.prepare_to_wait(ending);
    if (receiver != nullptr) {
        if (auto delivered = deliver_call(caller, *receiver, key); !delivered) {
            receiver->set_wake_status(wake_retry);
            sched::make_ready(*receiver);
            caller.cancel_wait();
            return fail(delivered.error());
        }
        return Started{.is_delivered = true, .receiver = receiver};
    }
    callers_.push_by_urgency(caller);
    if (entry_ != nullptr) {
        receiver = entry_->set.mark_ready(*entry_);
        if (receiver != nullptr)
            receiver->has_delivery = false;
    }
    return Started{.is_delivered = false, .receiver = receiver};
}

Result<> Endpoint::finish_call(Thread& caller, Started const& started, MonotonicNs deadline) {
    auto const status =
        started.receiver != nullptr ? caller.block_and_switch_to(*started.receiver, deadline) : caller.block(deadline);
    if (status == wake_normal)
        return {};
    caller.give_up_call();
    {
        LockGuard guard(lock_);
        callers_.remove(caller);
    }
    return fail(static_cast<Error>(status));
}

Endpoint::Received Endpoint::take_locked(Thread& self, std::uint64_t key) {
    while (auto* caller = callers_.pop_waiting()) {
        auto delivered = deliver_call(*caller, self, key);
        if (delivered)
            return Received::message;
        if (caller->try_wake(static_cast<std::uint32_t>(delivered.error())))
            sched::make_ready(*caller);
    }
    return Received::nothing;
}

Endpoint::Received Endpoint::take(Thread& self, std::uint64_t key) {
    LockGuard guard(lock_);
    auto const received = take_locked(self, key);
    // One at a time goes on the ready list; the rest follow when this one is taken.
    if (entry_ != nullptr && !callers_.is_empty()) {
        if (auto* other = entry_->set.mark_ready(*entry_); other != nullptr)
            sched::make_ready(*other);
    }
    return received;
}

Endpoint::Received Endpoint::take_or_queue(Thread& self) {
    LockGuard guard(lock_);
    if (take_locked(self, 0) == Received::message)
        return Received::message;
    self.prepare_to_wait();
    receivers_.push(self);
    return Received::nothing;
}

void Endpoint::leave_receivers(Thread& self) {
    LockGuard guard(lock_);
    receivers_.remove(self);
}

Result<> Endpoint::bind(WaitSetEntry& entry) {
    LockGuard guard(lock_);
    if (entry_ != nullptr)
        return fail(Error::already_exists);
    entry_ = &entry;
    entry.set.link(entry);
    if (!callers_.is_empty()) {
        if (auto* woken = entry.set.mark_ready(entry); woken != nullptr)
            sched::make_ready(*woken);
    }
    return {};
}

WaitSetEntry* Endpoint::unbind(WaitSet& set) {
    LockGuard guard(lock_);
    if (entry_ == nullptr || &entry_->set != &set)
        return nullptr;
    auto* const entry = std::exchange(entry_, nullptr);
    return set.unlink(*entry) ? entry : nullptr;
}

}  // namespace astrata::kernel
