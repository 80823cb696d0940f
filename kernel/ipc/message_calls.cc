#include "kernel/ipc/message_calls.h"

#include <utility>

#include "abi/system_call_numbers.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/message_transfer.h"
#include "kernel/object/process.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"
#include "kernel/trap/user_exit.h"

namespace astrata::kernel {

namespace {

// How a call goes on: it is over, or the thread parks, its wait announced, and hands the CPU to `next`, if anybody.
struct Step {
    ParkedIn parks_in = ParkedIn::nothing;
    Thread* next = nullptr;
};

Result<Step> call(Thread& caller, arch::TrapFrame& frame) {
    abi::MessageInfo const info{frame.info()};
    auto const found = TRY(caller.process().handles().find(frame.handle()));
    if (found.object->kind() != abi::ObjectKind::endpoint)
        return fail(Error::wrong_type);
    if (!has(found.rights, abi::Rights::send))
        return fail(Error::access_denied);
    if (!info.is_valid())
        return fail(Error::message_too_large);
    ++caller.call_number;
    caller.outgoing = {
        .info = info, .words = frame.words.data(), .badge = found.badge, .kind = abi::DeliveryKind::message};
    arch::count_event<offsetof(arch::PerCpu, ipc_calls)>();
    auto& endpoint = static_cast<Endpoint&>(*found.object);
    if (trace::is_on(abi::TraceGroups::ipc)) [[unlikely]]
        trace::record(abi::trace_ipc_call(endpoint.id(), caller.call_number, info.bytes()));
    MonotonicNs const deadline{frame.deadline()};
    auto const started = TRY(endpoint.start_call(caller));
    // A queued caller that gives up must leave the queue, and so has something to come back to.
    if (started.is_delivered && deadline == never)
        return Step{ParkedIn::call, started.receiver};
    TRY(endpoint.finish_call(caller, started, deadline));
    return Step{};
}

// Consumes the reply handle. The thread that was answered sleeps on, for the caller to wake; null if it is gone.
Result<RefOrNull<Thread>> answer(Thread& self, arch::TrapFrame& frame) {
    abi::MessageInfo const info{frame.info()};
    if (!info.is_valid())
        return fail(Error::message_too_large);
    auto const taken = TRY(self.process().handles().take_reply(frame.handle()));
    auto caller = static_cast<Reply&>(*taken.object).claim(taken.badge, wake_normal);
    if (caller) {
        if (trace::is_on(abi::TraceGroups::ipc)) [[unlikely]]
            trace::record(abi::trace_ipc_reply(caller->id(), taken.badge, info.bytes()));
        if (auto delivered = deliver_reply(self, info, *caller); !delivered) {
            sched::make_ready(*caller);
            return fail(delivered.error());
        }
    }
    return caller;
}

// One look at the wait set: fills the frame, or queues the thread.
enum class Look { delivered, queued, again };
Look look_at(Thread& self, WaitSet& set, bool may_queue) {
    auto const ready = set.next_or_queue(self, may_queue);
    if (!ready.source)
        return Look::queued;
    if (ready.source->kind() == abi::ObjectKind::endpoint) {
        auto const received = static_cast<Endpoint&>(*ready.source).take(self, ready.key);
        return received == Endpoint::Received::message ? Look::delivered : Look::again;
    }
    auto const bits = waitable_of(*ready.source)->take();
    if (bits == 0)
        return Look::again;
    deliver_signal(self, bits, ready.key);
    return Look::delivered;
}

Look look_at(Thread& self, Endpoint& endpoint, bool may_queue) {
    auto const received = may_queue ? endpoint.take_or_queue(self) : endpoint.take(self, 0);
    return received == Endpoint::Received::message ? Look::delivered : Look::queued;
}

WaitSet* as_wait_set(KernelObject& source) {
    return source.kind() == abi::ObjectKind::wait_set ? static_cast<WaitSet*>(&source) : nullptr;
}

void leave_queue(Thread& self, KernelObject& source) {
    if (auto* set = as_wait_set(source); set != nullptr)
        set->leave_queue(self);
    else
        static_cast<Endpoint&>(source).leave_receivers(self);
}

// `answered`, if any, is woken on the way: directly, if this thread goes to sleep.
Result<Step> wait(Thread& self, Ref<KernelObject> source, MonotonicNs deadline, RefOrNull<Thread> answered) {
    auto* const set = as_wait_set(*source);
    bool const is_polling = deadline.value == 0;
    // Whom it worked for it has answered, or will answer in its own time.
    sched::end_lending(self);
    for (;;) {
        self.has_delivery = false;
        auto const look = set != nullptr ? look_at(self, *set, !is_polling)
                                         : look_at(self, static_cast<Endpoint&>(*source), !is_polling);
        if (look == Look::again)
            continue;
        if (look == Look::delivered || is_polling) {
            if (answered)
                sched::make_ready(*answered);
            if (look == Look::queued)
                return fail(Error::would_block);
            return Step{};
        }
        auto* const next = answered.get();
        if (next != nullptr) {
            next->drop_reference();  // a thread that is about to run holds a reference of its own
            (void)answered.leak();
        }
        if (deadline == never) {
            self.receive_source = std::move(source);
            return Step{ParkedIn::receive, next};
        }
        auto const status = next != nullptr ? self.block_and_switch_to(*next, deadline) : self.block(deadline);
        if (status == wake_normal && self.has_delivery)
            return Step{};
        leave_queue(self, *source);
        if (status != wake_normal && status != wake_retry)
            return fail(static_cast<Error>(status));
    }
}

Result<Step> reply_then_wait(Thread& self, arch::TrapFrame& frame) {
    auto source = TRY(self.process().handles().find(frame.source()));
    auto const kind = source.object->kind();
    if (kind != abi::ObjectKind::endpoint && kind != abi::ObjectKind::wait_set)
        return fail(Error::wrong_type);
    if (!has(source.rights, abi::Rights::receive))
        return fail(Error::access_denied);
    RefOrNull<Thread> answered;
    MonotonicNs const deadline{frame.deadline()};
    if (frame.handle() != 0)
        answered = TRY(answer(self, frame));
    return wait(self, std::move(source.object), deadline, std::move(answered));
}

// A parked thread was woken in the ordinary way, with `status`.
Result<Step> continue_parked(Thread& self, ParkedIn call, std::uint32_t status) {
    bool const has_delivery = std::exchange(self.has_delivery, false);  // so that the fast path need not
    if (status == wake_normal && (call == ParkedIn::call || has_delivery))
        return Step{};
    if (call == ParkedIn::receive)
        leave_queue(self, *self.receive_source);
    else
        self.give_up_call();
    if (status != wake_normal && status != wake_retry)
        return fail(static_cast<Error>(status));
    return wait(self, Ref<KernelObject>::share(*self.receive_source), never, nullptr);
}

// Parks as often as it takes. Nothing that needs to be destroyed may live on the stack while the thread is parked.
void complete(Thread& self, arch::TrapFrame& frame, Result<Step> step) {
    while (step && step->parks_in != ParkedIn::nothing) {
        auto const call = step->parks_in;
        auto const status = self.park(call, step->next);
        step = continue_parked(self, call, status);
    }
    frame.status() = step ? 0 : static_cast<std::uint64_t>(step.error());
}

}  // namespace

void call_endpoint(Thread& caller, arch::TrapFrame& frame) {
    complete(caller, frame, call(caller, frame));
}

void reply_only(Thread& caller, arch::TrapFrame& frame) {
    auto answered = answer(caller, frame);
    if (answered && *answered)
        sched::make_ready(**answered);
    frame.status() = answered ? 0 : static_cast<std::uint64_t>(answered.error());
}

void reply_and_wait(Thread& caller, arch::TrapFrame& frame) {
    complete(caller, frame, reply_then_wait(caller, frame));
}

}  // namespace astrata::kernel

// The entry code's two calls that the fast path has declined.
extern "C" void message_dispatch(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    auto& caller = arch::current_thread();
    ++caller.uncounted_system_calls;
    arch::enable_interrupts();
    trace::Call const traced(frame);
    if (frame.number() == ASTRATA_SYSTEM_CALL_ENDPOINT_CALL)
        call_endpoint(caller, frame);
    else
        reply_and_wait(caller, frame);
    leave_to_user(frame);
}

// The calling thread was parked by the fast path and woken in the ordinary way.
extern "C" void message_resumed(astrata::kernel::arch::TrapFrame& frame, std::uint64_t number) {
    using namespace astrata::kernel;
    sched::finish_switch();
    auto& self = arch::current_thread();
    auto const call = number == ASTRATA_SYSTEM_CALL_ENDPOINT_CALL ? ParkedIn::call : ParkedIn::receive;
    auto const status = self.unpark();
    complete(self, frame, continue_parked(self, call, status));
    leave_to_user(frame);
}

// The same calls by native code that is hosted in the kernel.
void astrata::kernel::message_call_by_hosted(Thread& caller, arch::TrapFrame& frame) {
    switch (frame.number()) {
    case ASTRATA_SYSTEM_CALL_ENDPOINT_CALL: return call_endpoint(caller, frame);
    case ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT: return reply_and_wait(caller, frame);
    default: return reply_only(caller, frame);
    }
}
