// Budget of a call and its reply between two processes, four words, both sides in user mode: 1,500 instructions; measured by
// `./astrata bench`, metric native_ipc.
#include "kernel/ipc/message_calls.h"

#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/message_transfer.h"
#include "kernel/object/process.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

namespace {

Result<> call(Thread& caller, arch::TrapFrame& frame) {
    abi::MessageInfo const info{frame.rsi};
    auto const found = TRY(caller.process().handles().find(frame.rdi));
    if (found.object->kind() != abi::ObjectKind::endpoint)
        return fail(Error::wrong_type);
    if (!has(found.rights, abi::Rights::send))
        return fail(Error::access_denied);
    if (!info.is_valid())
        return fail(Error::message_too_large);
    caller.frame = &frame;
    ++caller.call_number;
    caller.outgoing = {.info = info, .words = frame.words.data(), .badge = found.badge, .kind = abi::DeliveryKind::message};
    arch::count_event<offsetof(arch::PerCpu, ipc_calls)>();
    return static_cast<Endpoint&>(*found.object).call(caller, {frame.rdx});
}

// Consumes the reply handle. The thread that was answered sleeps on, for the caller to wake; null if it is gone.
Result<RefOrNull<Thread>> answer(Thread& self, arch::TrapFrame& frame) {
    abi::MessageInfo const info{frame.rsi};
    if (!info.is_valid())
        return fail(Error::message_too_large);
    auto const taken = TRY(self.process().handles().take_reply(frame.rdi));
    auto caller = static_cast<Reply&>(*taken.object).claim(taken.badge, wake_normal);
    self.frame = &frame;
    if (caller) {
        if (auto delivered = deliver_reply(self, info, *caller); !delivered) {
            sched::make_ready(*caller);
            return fail(delivered.error());
        }
    }
    return caller;
}

// One look at the wait set: fills the frame, or queues the thread.
enum class Step { delivered, queued, again };
Step look(Thread& self, WaitSet& set, bool may_queue) {
    auto const ready = set.next_or_queue(self, may_queue);
    if (!ready.source)
        return Step::queued;
    if (ready.source->kind() == abi::ObjectKind::endpoint)
        return static_cast<Endpoint&>(*ready.source).take(self, ready.key) == Endpoint::Received::message ? Step::delivered : Step::again;
    auto const bits = waitable_of(*ready.source)->take();
    if (bits == 0)
        return Step::again;
    deliver_signal(self, bits, ready.key);
    return Step::delivered;
}

// `answered`, if any, is woken on the way: directly, if this thread goes to sleep.
Result<> wait(Thread& self, KernelObject& source, MonotonicNs deadline, RefOrNull<Thread> answered) {
    auto* const set = source.kind() == abi::ObjectKind::wait_set ? static_cast<WaitSet*>(&source) : nullptr;
    auto* const endpoint = source.kind() == abi::ObjectKind::endpoint ? static_cast<Endpoint*>(&source) : nullptr;
    bool const is_polling = deadline.value == 0;
    auto wake_answered = [&answered] {
        if (answered)
            sched::make_ready(*answered);
        answered = nullptr;
    };
    for (;;) {
        self.has_delivery = false;
        bool is_queued = false;
        if (set != nullptr) {
            auto const step = look(self, *set, !is_polling);
            if (step == Step::again)
                continue;
            is_queued = step == Step::queued;
        } else {
            is_queued = is_polling ? endpoint->take(self, 0) == Endpoint::Received::nothing
                                   : endpoint->take_or_queue(self) == Endpoint::Received::nothing;
        }
        if (!is_queued || is_polling) {
            wake_answered();
            if (is_queued)
                return fail(Error::would_block);
            return {};
        }
        std::uint32_t status = wake_normal;
        if (auto* next = answered.get(); next != nullptr) {
            answered->drop_reference();   // a thread that is about to run holds a reference of its own
            (void)answered.leak();
            status = self.block_and_switch_to(*next, deadline);
        } else {
            status = self.block(deadline);
        }
        if (status == wake_normal && self.has_delivery)
            return {};
        if (set != nullptr)
            set->leave_queue(self);
        else
            endpoint->leave_receivers(self);
        if (status != wake_normal && status != wake_retry)
            return fail(static_cast<Error>(status));
    }
}

Result<> reply_then_wait(Thread& self, arch::TrapFrame& frame) {
    auto const source = TRY(self.process().handles().find(frame.rbp));
    auto const kind = source.object->kind();
    if (kind != abi::ObjectKind::endpoint && kind != abi::ObjectKind::wait_set)
        return fail(Error::wrong_type);
    if (!has(source.rights, abi::Rights::receive))
        return fail(Error::access_denied);
    self.frame = &frame;
    RefOrNull<Thread> answered;
    if (frame.rdi != 0)
        answered = TRY(answer(self, frame));
    return wait(self, *source.object, {frame.rdx}, std::move(answered));
}

void set_status(arch::TrapFrame& frame, Result<> const& result) {
    frame.rax = result ? 0 : static_cast<std::uint64_t>(result.error());
}

}  // namespace

void call_endpoint(Thread& caller, arch::TrapFrame& frame) {
    set_status(frame, call(caller, frame));
}

void reply_only(Thread& caller, arch::TrapFrame& frame) {
    auto answered = answer(caller, frame);
    if (answered && *answered)
        sched::make_ready(**answered);
    frame.rax = answered ? 0 : static_cast<std::uint64_t>(answered.error());
}

void reply_and_wait(Thread& caller, arch::TrapFrame& frame) {
    set_status(frame, reply_then_wait(caller, frame));
}

}  // namespace astrata::kernel
