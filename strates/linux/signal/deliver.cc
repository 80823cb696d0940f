#include "strates/linux/signal/deliver.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "sdk/log.h"
#include "strates/linux/guest/crash_report.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/process/out_of_memory.h"
#include "strates/linux/signal/frame.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/signal/stop.h"

namespace astrata::linux_abi {
namespace {

bool is_on(AlternateStack const& stack, std::uint64_t rsp) {
    constexpr std::int32_t disabled = 2;
    return (stack.flags & disabled) == 0 && rsp > stack.base && rsp - stack.base <= stack.size;
}

// Goes back to the system-call instruction (two bytes) with the call's number in rax again.
void repeat_call(Task& task, std::uint64_t number) {
    task.state().rax = number;
    task.state().rip -= 2;
}

// An interrupted call, no handler in between: it goes on as if nothing had been.
void settle_call_without_handler(Task& task) {
    if (task.system_call == Task::no_system_call)
        return;
    auto result = -static_cast<std::int64_t>(task.state().rax);
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
    auto result = -static_cast<std::int64_t>(task.state().rax);
    bool may_repeat = (action.flags & action_flag::restart) != 0;
    if (result == static_cast<std::int64_t>(Errno::erestartnointr) ||
        (result == static_cast<std::int64_t>(Errno::erestartsys) && may_repeat))
        repeat_call(task, task.system_call);
    else if (result >= static_cast<std::int64_t>(Errno::erestartsys) &&
             result <= static_cast<std::int64_t>(Errno::erestart_restartblock))
        task.state().rax = static_cast<std::uint64_t>(-static_cast<std::int64_t>(Errno::eintr));
    task.system_call = Task::no_system_call;
}

// What Bedrock saves on this machine, without Linux's trailer.
LinuxResult<std::size_t> vector_state_size() {
    static constinit std::atomic<std::size_t> known = 0;
    if (auto const size = known.load(std::memory_order_relaxed); size != 0) [[likely]]
        return size;
    std::unique_ptr<VectorState> vector(new (std::nothrow) VectorState);
    if (vector == nullptr)
        return fail(Errno::enomem);
    auto room = std::span(vector->bytes);
    auto const size = LTRY(sys::restricted_save_vector_state(room.first(room.size() - vector_state_trailer)));
    known.store(size, std::memory_order_relaxed);
    return size;
}

// Saved straight to where the handler finds it: 2.7 KiB that are copied once.
LinuxResult<> write_vector_state(GuestAddress place, std::size_t size) {
    LTRY(sys::restricted_save_vector_state(LTRY(guest_span(place, size))));
    std::uint64_t components = 0;
    if (size > vector_state_components_offset)
        components = LTRY(read_guest<std::uint64_t>(place + vector_state_components_offset));
    LTRY(write_guest(place + VectorStateDescription::offset, describe_vector_state(size, components)));
    return write_guest(place + size, vector_state_trailer_mark);
}

// Budget of a delivery with its rt_sigreturn, without what Bedrock does for the vector state: 1,340 instructions
// (signal_deliver).
LinuxResult<> write_frame(Task& task, SignalInfo const& info, SignalAction const& action) {
    auto& state = task.state();
    if ((action.flags & action_flag::restorer) == 0)
        return fail(Errno::efault);  // x86_64 has no other way back

    auto const vector_size = LTRY(vector_state_size());
    bool was_on_alternate = is_on(task.alternate_stack, state.rsp);
    bool enters_alternate = (action.flags & action_flag::on_stack) != 0 && !was_on_alternate &&
                            (task.alternate_stack.flags & 2) == 0 && task.alternate_stack.size != 0;
    auto rsp = enters_alternate ? task.alternate_stack.base + task.alternate_stack.size : state.rsp;
    auto place = place_frame(rsp, enters_alternate, vector_size);
    // A frame that would run off the alternate stack's lower end must not scribble below it.
    if ((enters_alternate || was_on_alternate) && place.frame < task.alternate_stack.base)
        return fail(Errno::efault);

    bool has_saved_mask = (task.work.load(std::memory_order_relaxed) & task_work::restore_mask) != 0;
    auto mask = has_saved_mask ? task.saved_mask : task.blocked();
    SignalFrame frame{.return_address = action.restorer};
    frame.context.flags = context_has_xsave | context_saves_ss;
    frame.context.stack = {
        .base = task.alternate_stack.base, .flags = task.alternate_stack.flags, .size = task.alternate_stack.size};
    frame.context.registers = to_context(state, task.fault_vector, task.fault_error, task.fault_address, mask);
    frame.context.registers.vector_state = place.vector_state;
    frame.context.mask = mask;
    frame.information = info;
    LTRY(write_vector_state({place.vector_state}, vector_size));
    LTRY(write_guest({place.frame}, frame));

    state.rsp = place.frame;
    state.rip = action.handler;
    state.rdi = static_cast<std::uint64_t>(info.number);
    state.rsi = place.frame + offsetof(SignalFrame, information);
    state.rdx = place.frame + offsetof(SignalFrame, context);
    state.rax = 0;
    constexpr std::uint64_t direction_trap_resume = 0x400 | 0x100 | 0x1'0000;
    state.rflags &= ~direction_trap_resume;

    constexpr std::int32_t auto_disarm = static_cast<std::int32_t>(0x8000'0000u);  // SS_AUTODISARM
    if ((task.alternate_stack.flags & auto_disarm) != 0)
        task.alternate_stack = {};
    task.work.fetch_and(~task_work::restore_mask, std::memory_order_relaxed);
    auto blocked = task.blocked() | action.mask;
    if ((action.flags & action_flag::no_defer) == 0)
        blocked.add(info.signal());
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

std::optional<SignalInfo> take_deliverable(Task& task) {
    auto& process = task.process();
    Lock lock(process.signal_mutex);
    // Cleared before looking: a signal sent from now on sets it again.
    task.work.fetch_and(~task_work::signal, std::memory_order_relaxed);
    auto wanted = ~task.blocked();
    auto info = task.pending.take(wanted);
    if (!info)
        info = process.pending.take(wanted);
    task.is_stop_due = info && stop_signals.contains(info->signal());
    return info;
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
    auto info = take_deliverable(task);
    if (!info.has_value())
        return;
    // Others may be pending too; the loop in do_pending_work looks until there are none.
    task.work.fetch_or(task_work::signal, std::memory_order_relaxed);
    auto action = task.process().actions->take_for_delivery(info->signal());
    if (action.is_ignore())
        return;
    if (action.is_default()) {
        run_default_action(task, *info);
        return;
    }
    settle_call_before_handler(task, action);
    if (!write_frame(task, *info, action).has_value()) {
        // No room for the frame: SIGSEGV, which must not come back here for ever.
        if (info->signal() == Signal::sigsegv)
            task.process().actions->set(Signal::sigsegv, {});
        force_signal(SignalInfo::from_fault(Signal::sigsegv, signal_code::kernel, 0));
    }
}

// Both words of a bad frame lead here.
void refuse_frame() {
    force_signal(SignalInfo::from_fault(Signal::sigsegv, signal_code::kernel, 0));
}

// The usual frame, as write_vector_state made it, loaded from where it lies: Bedrock checks its own copy of what it
// loads.
bool restore_whole_vector_state(GuestAddress address) {
    auto const size = vector_state_size();
    if (!size.has_value())
        return false;
    auto const description = read_guest<VectorStateDescription>(address + VectorStateDescription::offset);
    auto const trailer = read_guest<std::uint32_t>(address + *size);
    if (!description.has_value() || !describes_vector_state(*description, *size) || !trailer.has_value() ||
        *trailer != vector_state_trailer_mark)
        return false;
    auto const area = guest_span(address, *size);
    return area.has_value() && sys::restricted_load_vector_state(*area).has_value();
}

// Whatever else a program may return with.
LinuxResult<> restore_partial_vector_state(std::uint64_t address) {
    std::unique_ptr<VectorState> vector(new (std::nothrow) VectorState);
    if (vector == nullptr)
        return fail(Errno::enomem);
    auto room = std::span(vector->bytes);
    // The size of this machine's area; what the program hands back may be shorter, never longer.
    auto size = LTRY(sys::restricted_save_vector_state(room));
    constexpr std::size_t legacy_size = 512;
    LTRY(copy_from_guest(room.first(legacy_size), {address}));
    auto marked = marked_vector_state_size(room.first(legacy_size), size);
    if (marked > legacy_size && marked <= room.size()) {
        LTRY(copy_from_guest(room.first(marked), {address}));
        // The frame may have changed between the two reads: its mark must still say the same.
        bool is_intact = has_vector_state_trailer(room.first(marked)) &&
                         marked_vector_state_size(room.first(legacy_size), size) == marked;
        if (is_intact) {
            std::ranges::fill(room.subspan(marked - vector_state_trailer), std::byte{0});
            LTRY(sys::restricted_load_vector_state(room.first(size)));
            return {};
        }
    }
    complete_legacy_state(room.first(size));
    LTRY(sys::restricted_load_vector_state(room.first(size)));
    return {};
}

// A system call could not write where the program wanted it to. For want of memory, that is like a fault of the program's own.
void look_into_failed_copy(Task& task) {
    task.work.fetch_and(~task_work::failed_copy, std::memory_order_relaxed);
    auto& result = task.state().rax;
    if (task.system_call == Task::no_system_call || result != static_cast<std::uint64_t>(-static_cast<std::int64_t>(Errno::efault)))
        return;
    switch (task.memory().classify_fault(task.failed_copy_address, true, false)) {
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
        !is_interruption(task.state().rax))
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
            deliver_one(task);  // clears the bit once there is none left
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
    auto& state = task.state();
    task.system_call = Task::no_system_call;
    task.fault_vector = state.vector;
    task.fault_error = state.error_code;
    auto here = state.rip;
    switch (state.vector) {
    case 0: force_signal(SignalInfo::from_fault(Signal::sigfpe, signal_code::divide_by_zero, here)); return;
    case 1: force_signal(SignalInfo::from_fault(Signal::sigtrap, signal_code::trap_trace, here)); return;
    case 3: force_signal(SignalInfo::from_kernel(Signal::sigtrap)); return;
    case 6: force_signal(SignalInfo::from_fault(Signal::sigill, signal_code::illegal_operand, here)); return;
    case 11:
    case 12: force_signal(SignalInfo::from_kernel(Signal::sigbus)); return;
    case 14: break;
    case 16:
    case 19: force_signal(SignalInfo::from_fault(Signal::sigfpe, 0, here)); return;
    case 17: force_signal(SignalInfo::from_fault(Signal::sigbus, signal_code::bus_alignment, 0)); return;
    default: force_signal(SignalInfo::from_fault(Signal::sigsegv, signal_code::kernel, 0)); return;
    }

    // A page fault that Bedrock could not resolve.
    task.fault_address = state.fault_address;
    constexpr std::uint64_t is_write = 2, is_user = 4, is_fetch = 16;
    auto address = state.fault_address;
    if ((state.error_code & is_user) == 0) {
        // An access that the processor makes with the kernel's rights, which no mapping of the program's allows.
        force_signal(SignalInfo::from_fault(Signal::sigsegv, signal_code::kernel, 0));
        return;
    }
    auto cause =
        task.memory().classify_fault(address, (state.error_code & is_write) != 0, (state.error_code & is_fetch) != 0);
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
    // The handler's return took the frame's first word.
    auto address = GuestAddress{state.rsp} - 8;
    UserContext context;
    if (!copy_from_guest(std::as_writable_bytes(std::span(&context, 1)), address + offsetof(SignalFrame, context))
             .has_value()) {
        refuse_frame();
        return;
    }
    if (context.registers.vector_state != 0 && !restore_whole_vector_state({context.registers.vector_state}) &&
        !restore_partial_vector_state(context.registers.vector_state).has_value()) {
        refuse_frame();
        return;
    }
    from_context(context.registers, state);
    // As with sigaltstack, except that nobody is told about nonsense: it is then left as it is.
    constexpr std::int32_t disabled = 2;
    constexpr std::uint64_t smallest = 2048;  // MINSIGSTKSZ
    if ((context.stack.flags & disabled) != 0)
        task.alternate_stack = {};
    else if (context.stack.size >= smallest)
        task.alternate_stack = {
            .base = context.stack.base, .flags = context.stack.flags & ~1, .size = context.stack.size};
    task.set_blocked(context.mask);
}

}  // namespace astrata::linux_abi
