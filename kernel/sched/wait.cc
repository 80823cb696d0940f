#include "kernel/sched/wait.h"

#include "kernel/sched/thread.h"

namespace astrata::kernel {

void WaitQueue::push(Thread& thread) {
    thread.wait_queue_ = this;
    thread.wait_next_ = nullptr;
    thread.wait_previous_ = last_;
    (last_ != nullptr ? last_->wait_next_ : first_) = &thread;
    last_ = &thread;
}

void WaitQueue::push_by_urgency(Thread& thread) {
    auto* before = last_;
    while (before != nullptr && before->effective_priority < thread.effective_priority)
        before = before->wait_previous_;
    auto* const after = before != nullptr ? before->wait_next_ : first_;
    thread.wait_queue_ = this;
    thread.wait_previous_ = before;
    thread.wait_next_ = after;
    (before != nullptr ? before->wait_next_ : first_) = &thread;
    (after != nullptr ? after->wait_previous_ : last_) = &thread;
}

bool WaitQueue::contains(Thread const& thread) const {
    return thread.wait_queue_ == this;
}

void WaitQueue::remove(Thread& thread) {
    if (thread.wait_queue_ != this)
        return;
    (thread.wait_previous_ != nullptr ? thread.wait_previous_->wait_next_ : first_) = thread.wait_next_;
    (thread.wait_next_ != nullptr ? thread.wait_next_->wait_previous_ : last_) = thread.wait_previous_;
    thread.wait_queue_ = nullptr;
    thread.wait_next_ = thread.wait_previous_ = nullptr;
}

Thread* WaitQueue::pop_woken() {
    while (auto* thread = first_) {
        remove(*thread);
        if (thread->try_wake(wake_normal))
            return thread;
    }
    return nullptr;
}

Thread* WaitQueue::pop_waiting() {
    while (auto* thread = first_) {
        remove(*thread);
        if (thread->is_waiting())
            return thread;
    }
    return nullptr;
}

}  // namespace astrata::kernel
