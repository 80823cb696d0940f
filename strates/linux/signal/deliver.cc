#include "strates/linux/signal/deliver.h"

#include <algorithm>
#include <atomic>

#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "sdk/log.h"
#include "strates/linux/exec/program_vdso.h"
#include "strates/linux/guest/crash_report.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/process/out_of_memory.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/signal/stop.h"
#include "strates/linux/signal/vector_state.h"

namespace astrata::linux_abi {
namespace {

bool is_on(AlternateStack const& stack, std::uint64_t place) {
    constexpr std::int32_t disabled = 2;
    return (stack.flags & disabled) == 0 && place > stack.base && place - stack.base <= stack.size;
}

// Goes back to the system-call instruction, with the registers as the call found them.
void repeat_call(Task& task, std::uint64_t number) {
    auto& state = task.state();
    if constexpr (result_replaces_argument)
        call_result(state) = task.first_argument;
    call_number_of(state) = number;
    instruction_pointer(state) -= machine::roles.call_bytes;
}

// An interrupted call, no handler in between: it goes on as if nothing had been.
void settle_call_without_handler(Task& task) {
    if (task.system_call == Task::no_system_call)
        return;
    auto result = -static_cast<std::int64_t>(call_result(task.state()));
    if (result == static_cast<std::int64_t>(Errno::erestart_restartblock))
        repeat_call(task, call_number::restart_syscall);
    else if (result >= static_cast<std::int64_t>(Errno::erestartsys) &&
             result <= static_cast<std::int64_t>(Errno::erestartnohand))
        repeat_call(task, task.system_call);
    task.system_call = Task::no_system_call;
}

// A handler is about to run: the call is repeated after it or fails with EINTR.
void settle_call_before_handler(Task& task, SignalAction const& action) {
    if (task.system_call == Task::no_system_call)
        return;
    auto result = -static_cast<std::int64_t>(call_result(task.state()));
    bool may_repeat = (action.flags & action_flag::restart) != 0;
    if (result == static_cast<std::int64_t>(Errno::erestartnointr) ||
        (result == static_cast<std::int64_t>(Errno::erestartsys) && may_repeat))
        repeat_call(task, task.system_call);
    else if (result >= static_cast<std::int64_t>(Errno::erestartsys) &&
             result <= static_cast<std::int64_t>(Errno::erestart_restartblock))
        call_result(task.state()) = static_cast<std::uint64_t>(-static_cast<std::int64_t>(Errno::eintr));
    task.system_call = Task::no_system_call;
}

// Where a handler returns to.
LinuxResult<std::uint64_t> return_address(Task& task, SignalAction const& action) {
    if (machine::has_restorer && (action.flags & action_flag::restorer) != 0)
        return action.restorer;
    auto const offset = signal_return_offset();
    auto const vdso = offset == 0 ? 0 : task.memory().layout().vdso;
    if (vdso == 0)
        return fail(Errno::efault);  // there is no other way back
    return vdso + offset;
}

// Budget of kill, delivery and rt_sigreturn: 1,340 instructions (signal_deliver).
LinuxResult<> write_frame(Task& task, machine::SignalFrame& frame, SignalAction const& action) {
    auto& state = task.state();
    auto const stack_now = stack_pointer(state);
    bool was_on_alternate = is_on(task.alternate_stack, stack_now);
    bool enters_alternate = (action.flags & action_flag::on_stack) != 0 && !was_on_alternate &&
                            (task.alternate_stack.flags & 2) == 0 && task.alternate_stack.size != 0;
    auto const top = enters_alternate ? task.alternate_stack.base + task.alternate_stack.size : stack_now;
    auto const place = machine::place_frame(top, enters_alternate, vector_state_size());
    // A frame that would run off the alternate stack's lower end must not scribble below it.
    if ((enters_alternate || was_on_alternate) && place.frame < task.alternate_stack.base)
        return fail(Errno::efault);

    bool has_saved_mask = (task.work.load(std::memory_order_relaxed) & task_work::restore_mask) != 0;
    FrameFacts const facts{.fault_vector = task.fault_vector,
                           .fault_error = task.fault_error,
                           .fault_address = task.fault_address,
                           .mask = has_saved_mask ? task.saved_mask : task.blocked(),
                           .return_address = LTRY(return_address(task, action))};
    machine::fill_frame(frame, state, facts);
    frame.context.stack = {
        .base = task.alternate_stack.base, .flags = task.alternate_stack.flags, .size = task.alternate_stack.size};
    LTRY(machine::complete_frame(frame, place));
    LTRY(write_guest({place.frame}, frame));

    auto const& arguments = machine::roles.arguments;
    stack_pointer(state) = place.frame;
    instruction_pointer(state) = action.handler;
    state.*arguments[0] = static_cast<std::uint64_t>(frame.information.number);
    state.*arguments[1] = place.frame + offsetof(machine::SignalFrame, information);
    state.*arguments[2] = place.frame + offsetof(machine::SignalFrame, context);
    machine::enter_handler(state, facts);

    constexpr std::int32_t auto_disarm = static_cast<std::int32_t>(0x8000'0000u);  // SS_AUTODISARM
    if ((task.alternate_stack.flags & auto_disarm) != 0)
        task.alternate_stack = {};
    task.work.fetch_and(~task_work::restore_mask, std::memory_order_relaxed);
    auto blocked = task.blocked() | action.mask;
    if ((action.flags & action_flag::no_defer) == 0)
        blocked.add(frame.information.signal());
    task.set_blocked(blocked);
    return {};
}

void run_default_action(Task& task, SignalInfo const& info) {
    auto signal = info.signal();
    switch (default_action(signal)) {
    case DefaultAction::ignore:
    case DefaultAction::resume: return;
    case DefaultAction::stop: stop_process(task, signal); return;
    case DefaultAction::core: report_crash(task, info); break;
    case DefaultAction::terminate: break;
    }
    begin_group_exit(task.process(), WaitStatus::killed(signal, false));
}

// Whether there was one; its information is then in `into`.
bool take_deliverable(Task& task, SignalInfo& into) {
    auto& process = task.process();
    Lock lock(process.signal_mutex);
    // Cleared before looking: a signal sent from now on sets it again.
    task.work.fetch_and(~task_work::signal, std::memory_order_relaxed);
    auto wanted = ~task.blocked();
    bool const is_taken = task.pending.take(wanted, into) || process.pending.take(wanted, into);
    task.is_stop_due = is_taken && stop_signals.contains(into.signal());
    if (!((task.pending.set() | process.pending.set()) & wanted).is_empty())
        task.work.fetch_or(task_work::signal, std::memory_order_relaxed);
    return is_taken;
}

bool is_interruption(std::uint64_t result) {
    auto error = -static_cast<std::int64_t>(result);
    return error == static_cast<std::int64_t>(Errno::eintr) ||
           (error >= static_cast<std::int64_t>(Errno::erestartsys) &&
            error <= static_cast<std::int64_t>(Errno::erestart_restartblock));
}

void restore_mask(Task& task) {
    task.work.fetch_and(~task_work::restore_mask, std::memory_order_relaxed);
    task.set_blocked(task.saved_mask);
}

// Delivers one signal, if there is one.
void deliver_one(Task& task) {
    machine::SignalFrame frame;
    auto const& info = frame.information;
    if (!take_deliverable(task, frame.information))
        return;
    auto action = task.process().actions->take_for_delivery(info.signal());
    if (action.is_ignore())
        return;
    if (action.is_default()) {
        run_default_action(task, info);
        return;
    }
    settle_call_before_handler(task, action);
    if (!write_frame(task, frame, action).has_value()) {
        // No room for the frame: SIGSEGV, which must not come back here for ever.
        if (info.signal() == Signal::sigsegv)
            task.process().actions->set(Signal::sigsegv, {});
        force_signal(SignalInfo::from_fault(Signal::sigsegv, signal_code::kernel, 0));
    }
}

// All words of a bad frame lead here.
void refuse_frame() {
    force_signal(SignalInfo::from_fault(Signal::sigsegv, signal_code::kernel, 0));
}

// A system call could not reach what the program wanted it to. For want of memory, that is like a fault of the
// program's own.
void look_into_failed_copy(Task& task) {
    task.work.fetch_and(~task_work::failed_copy, std::memory_order_relaxed);
    auto& result = call_result(task.state());
    if (task.system_call == Task::no_system_call ||
        result != static_cast<std::uint64_t>(-static_cast<std::int64_t>(Errno::efault)))
        return;
    switch (task.memory().classify_fault(task.failed_copy_address, task.failed_copy_was_write, false)) {
    case Memory::FaultCause::no_memory: kill_largest_process(task); break;
    case Memory::FaultCause::passed:
        // There is memory again; or it was not that, and then it is so the next time, too.
        if (task.repeated_copy_address == task.failed_copy_address)
            return;
        task.repeated_copy_address = task.failed_copy_address;
        break;
    default: return;
    }
    result = static_cast<std::uint64_t>(-static_cast<std::int64_t>(Errno::erestartnointr));
}

}  // namespace

bool do_pending_work(Task& task) {
    // ppoll and the like that came back with a result: what only their temporary mask let through waits again.
    if (task.system_call != Task::no_system_call &&
        (task.work.load(std::memory_order_relaxed) & task_work::restore_mask) != 0 &&
        !is_interruption(call_result(task.state())))
        restore_mask(task);
    for (;;) {
        auto work = task.work.load(std::memory_order_acquire);
        if ((work & task_work::exit) != 0)
            return false;
        if ((work & task_work::failed_copy) != 0) {
            look_into_failed_copy(task);
            continue;
        }
        if ((work & task_work::stop) != 0) {
            wait_while_stopped(task);
            continue;
        }
        if ((work & task_work::signal) != 0) {
            deliver_one(task);  // leaves the bit set only if there are more
            continue;
        }
        if ((work & task_work::restore_mask) != 0) {
            // No handler took the temporary mask with it. Signals that the saved one lets through are delivered now.
            restore_mask(task);
            continue;
        }
        break;
    }
    settle_call_without_handler(task);
    return true;
}

void deliver_exception(Task& task) {
    auto const& state = task.state();
    task.system_call = Task::no_system_call;
    task.fault_vector = state.vector;
    task.fault_error = state.error_code;
    auto const exception = machine::describe_exception(state);
    auto const address = exception.address;
    if (!exception.is_page_fault) {
        force_signal(SignalInfo::from_fault(exception.signal, exception.code, address));
        return;
    }

    // One that Bedrock could not resolve.
    task.fault_address = address;
    auto const cause = task.memory().classify_fault(address, exception.is_write, exception.is_fetch);
    switch (cause) {
    case Memory::FaultCause::not_mapped:
        force_signal(SignalInfo::from_fault(Signal::sigsegv, signal_code::segment_not_mapped, address));
        return;
    case Memory::FaultCause::no_access:
        force_signal(SignalInfo::from_fault(Signal::sigsegv, signal_code::segment_access, address));
        return;
    case Memory::FaultCause::no_page:
        force_signal(SignalInfo::from_fault(Signal::sigbus, signal_code::bus_no_object, address));
        return;
    case Memory::FaultCause::passed: return;
    case Memory::FaultCause::no_memory:
        // As Linux does when a control group's memory is used up; nothing that the program could do needs no memory.
        kill_largest_process(task);
        return;
    }
}

void return_from_signal(Task& task) {
    auto& state = task.state();
    task.system_call = Task::no_system_call;
    GuestAddress const address{machine::frame_of_return(stack_pointer(state))};
    machine::UserContext context;
    if (!copy_from_guest(std::as_writable_bytes(std::span(&context, 1)),
                         address + offsetof(machine::SignalFrame, context))
             .has_value() ||
        !machine::load_vector_state_of_frame(context, address).has_value()) {
        refuse_frame();
        return;
    }
    machine::from_context(context.registers, state);
    // As with sigaltstack, except that nobody is told about nonsense: it is then left as it is.
    constexpr std::int32_t disabled = 2;
    if ((context.stack.flags & disabled) != 0)
        task.alternate_stack = {};
    else if (context.stack.size >= machine::smallest_signal_stack)
        task.alternate_stack = {
            .base = context.stack.base, .flags = context.stack.flags & ~1, .size = context.stack.size};
    task.set_blocked(context.mask);
}

}  // namespace astrata::linux_abi
