#include "kernel/trap/exception.h"

#include <bit>

#include "arch/exception.h"
#include "arch/user_copy.h"
#include "kernel/mem/address_space.h"
#include "kernel/object/process.h"
#include "kernel/sched/cpu_limits.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"
#include "kernel/trap/panic.h"
#include "kernel/trap/user_exit.h"
#include "kernel/user_copy/user_span.h"

namespace astrata::kernel {

namespace {

// Native code, in either mode: whatever it does ends its process at worst.
bool is_from_native_or_foreign_code(arch::TrapFrame const& frame) {
    return frame.is_from_user() || is_in_hosted_part({frame.instruction()});
}

// The address space can often resolve a fault. True if the instruction may be tried again.
bool resolve_page_fault(Thread& thread, Exception const& fault, bool is_restricted) {
    if (!thread.is_user())
        return false;
    // Foreign code does not see the home half, so that resolving its fault there would have it try for ever.
    if (is_restricted && fault.address >= layout::guest_end)
        return false;
    auto& space =
        fault.address < layout::guest_end && thread.guest_space ? *thread.guest_space : thread.process().home();
    return space.handle_fault(fault.address, fault.access).has_value();
}

}  // namespace

bool is_in_hosted_part(VirtAddr address) {
    return address >= layout::hosted_start && address < layout::hosted_start + layout::hosted_length;
}

void handle_user_exception(arch::TrapFrame& frame, Exception const& exception) {
    auto& thread = arch::current_thread();
    if (arch::this_cpu().restricted != nullptr)
        arch::report_to_personality(frame, abi::RestrictedExit::exception, exception);
    if (exception.may_be_recovered) {
        if (auto const recovery = thread.process().recovery_for(frame.instruction()); recovery != 0) {
            arch::recover_native(frame, recovery, exception.address.value);
            return;
        }
    }
    report_crash(thread, frame, exception);
    thread.process().crash({.vector = exception.number,
                            .error_code = exception.code,
                            .fault_address = exception.address.value,
                            .instruction = frame.instruction()});
}

void handle_exception(arch::TrapFrame& frame, Exception const& exception) {
    bool const is_user = is_from_native_or_foreign_code(frame);
    auto& thread = arch::current_thread();
    if (exception.is_page_fault && frame.has_interrupts_on()) {
        // Only code that may sleep faults on user memory: user mode itself, and the copy routines.
        std::uint64_t unused = 0;
        bool const is_user_memory = exception.address < layout::home_end || is_in_hosted_part(exception.address);
        if (is_user || (is_user_memory && find_recovery(frame.instruction(), unused))) {
            ++thread.uncounted_page_faults;
            if (trace::is_on(abi::TraceGroups::faults)) [[unlikely]]
                trace::record(abi::trace_page_fault(exception.address.value, exception.code, frame.instruction()));
            bool const is_restricted = is_user && arch::this_cpu().restricted != nullptr;
            arch::enable_interrupts();
            bool const is_resolved = !exception.is_refused && resolve_page_fault(thread, exception, is_restricted);
            (void)arch::disable_interrupts();
            // A thread that is to end dies on its way out, not of a page that it did not wait for.
            if (is_resolved || (is_user && thread.is_kill_pending()))
                return;
        }
    }
    if (is_user) {
        handle_user_exception(frame, exception);
        return;
    }
    std::uint64_t recovery = 0;
    if (find_recovery(frame.instruction(), recovery)) {
        arch::recover_kernel(frame, recovery);
        return;
    }
    panic_with_registers(exception.is_failed_check ? "failed check: perhaps a call of a function of another type"
                                                   : "exception in the kernel",
                         frame, exception);
}

InterruptScope::InterruptScope(std::uint32_t number) : number_(number) {
    auto& cpu = arch::this_cpu();
    ++cpu.interrupts;
    cpu.interrupt_timing = std::rotl(cpu.interrupt_timing, 7) ^ arch::timestamp();
    if (trace::is_on(abi::TraceGroups::interrupts)) [[unlikely]]
        trace::record_always(abi::trace_interrupt_enter(static_cast<std::uint16_t>(number)));
}

InterruptScope::~InterruptScope() {
    if (trace::is_on(abi::TraceGroups::interrupts)) [[unlikely]]
        trace::record_always(abi::trace_interrupt_exit(static_cast<std::uint16_t>(number_)));
}

void leave_trap(arch::TrapFrame& frame, bool is_interrupt) {
    if (is_from_native_or_foreign_code(frame))
        leave_to_user(frame);
    else if (is_interrupt && arch::this_cpu().preemption_depth == 0 && frame.has_interrupts_on())
        sched::reschedule_if_needed();
}

bool arch::is_own_hosted_memory(VirtAddr start, std::uint64_t length) {
    auto const& thread = arch::current_thread();
    return thread.is_user() && thread.process().is_hosted() && thread.process().home().contains(start, length);
}

void settle_before_user_mode(arch::TrapFrame& frame) {
    auto& thread = arch::current_thread();
    for (;;) {
        (void)arch::disable_interrupts();
        auto& cpu = arch::this_cpu();
        // Before anything else: threads without time would only hand the CPU to each other.
        if (cpu_limits::has_no_time(thread)) [[unlikely]] {
            cpu_limits::wait_for_time(thread);
            continue;
        }
        if (cpu.needs_reschedule != 0) {
            sched::reschedule_if_needed();
            continue;
        }
        if (thread.is_kill_pending()) [[unlikely]] {
            if (cpu.restricted != nullptr)
                cpu.restricted = nullptr;
            arch::enable_interrupts();
            thread.end();
        }
        if (thread.is_kick_pending() && cpu.restricted != nullptr) [[unlikely]] {
            thread.take_kick();
            arch::report_to_personality(frame, abi::RestrictedExit::kick, {});
        }
        return;
    }
}

}  // namespace astrata::kernel
