// Exceptions and interrupts, from the common entry (arch/<machine>/trap_entry.S).
#include <bit>

#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/tlb_interrupt.h"
#include "arch/trap_frame.h"
#include "arch/user_copy.h"
#include "kernel/arch/x86_64/local_apic.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/log/print.h"
#include "kernel/mem/address_space.h"
#include "kernel/object/process.h"
#include "kernel/sched/cpu_limits.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"
#include "kernel/trap/panic.h"
#include "kernel/trap/user_exit.h"
#include "kernel/user_copy/user_span.h"

extern "C" [[noreturn]] void leave_restricted(std::uint32_t reason);
extern "C" char const astrata_has_smap;
extern "C" {
// From where on code runs on the stack of whoever it interrupts, or is called by (arch/x86_64/{trap,syscall}_entry.S).
extern std::byte const trap_entry_start[], trap_entry_end[], hosted_entry_end[];
[[noreturn]] void hosted_stack_exhausted(astrata::kernel::arch::TrapFrame& frame, std::uint64_t fault_address);
}

namespace astrata::kernel {

namespace {

// Intel SDM volume 3, table 6-1.
enum Exception : std::uint64_t {
    debug = 1,
    nmi = 2,
    breakpoint = 3,
    invalid_instruction = 6,
    double_fault = 8,
    general_protection = 13,
    page_fault = 14,
    machine_check = 18,
};

// Page-fault error code (Intel SDM volume 3, section 4.7).
constexpr std::uint64_t page_was_present = 1U << 0;
constexpr std::uint64_t fault_was_write = 1U << 1;
constexpr std::uint64_t fault_was_in_user_mode = 1U << 2;
constexpr std::uint64_t fault_was_fetch = 1U << 4;

constexpr std::uint64_t access_flag = 0x40000;  // AC: user pages may be reached; must not survive into kernel code that forgot clac

bool is_in_hosted_part(VirtAddr address) {
    return address >= layout::hosted_start && address < layout::hosted_start + layout::hosted_length;
}
// Native code, in either mode: whatever it does ends its process at worst.
bool is_from_native_or_foreign_code(arch::TrapFrame const& frame) {
    return frame.is_from_user() || is_in_hosted_part({frame.rip});
}

abi::Access access_of(std::uint64_t error_code) {
    if ((error_code & fault_was_fetch) != 0)
        return abi::Access::execute;
    return (error_code & fault_was_write) != 0 ? abi::Access::write : abi::Access::read;
}

void store_registers(abi::RestrictedStateX86& state, arch::TrapFrame& frame) {
    state.rax = frame.rax, state.rbx = frame.rbx(), state.rcx = frame.rcx, state.rdx = frame.rdx;
    state.rsi = frame.rsi, state.rdi = frame.rdi, state.rbp = frame.rbp, state.rsp = frame.rsp;
    state.r8 = frame.r8(), state.r9 = frame.r9(), state.r10 = frame.r10(), state.r11 = frame.r11;
    state.r12 = frame.r12(), state.r13 = frame.r13(), state.r14 = frame.r14(), state.r15 = frame.r15();
    state.rip = frame.rip, state.rflags = frame.rflags;
}

[[noreturn]] void report_to_personality(arch::TrapFrame& frame, abi::RestrictedExit reason,
                                        std::uint64_t fault_address) {
    (void)arch::disable_interrupts();
    auto& state = *arch::this_cpu().restricted;
    store_registers(state, frame);
    state.exit = reason;
    state.vector = static_cast<std::uint32_t>(frame.vector);
    state.error_code = frame.error_code;
    state.fault_address = fault_address;
    leave_restricted(static_cast<std::uint32_t>(reason));
}

// The address space can often resolve a fault. True if the instruction may be tried again.
bool resolve_page_fault(Thread& thread, VirtAddr address, std::uint64_t error_code, bool is_restricted) {
    if (!thread.is_user())
        return false;
    // Foreign code does not see the home half, so that resolving its fault there would have it try for ever.
    if (is_restricted && address >= layout::guest_end)
        return false;
    auto& space = address < layout::guest_end && thread.guest_space ? *thread.guest_space : thread.process().home();
    return space.handle_fault(address, access_of(error_code)).has_value();
}

void handle_user_exception(Thread& thread, arch::TrapFrame& frame, std::uint64_t fault_address) {
    if (arch::this_cpu().restricted != nullptr)
        report_to_personality(frame, abi::RestrictedExit::exception, fault_address);
    if (frame.vector == page_fault || frame.vector == general_protection) {
        if (auto const recovery = thread.process().recovery_for(frame.rip); recovery != 0) {
            frame.rip = recovery;
            frame.rax = fault_address;
            return;
        }
    }
    report_crash(thread, frame, fault_address);
    thread.process().crash({.vector = frame.vector,
                            .error_code = frame.error_code,
                            .fault_address = fault_address,
                            .instruction = frame.rip});
}

void handle_exception(arch::TrapFrame& frame) {
    auto const fault_address = frame.vector == page_fault ? arch::read_cr2() : 0;
    bool const is_hosted = is_in_hosted_part({frame.rip});
    bool const is_user = frame.is_from_user() || is_hosted;
    auto& thread = arch::current_thread();
    if (frame.vector == page_fault && (frame.rflags & arch::interrupt_flag) != 0) {
        // Only code that may sleep faults on user memory: user mode itself, and the copy routines.
        std::uint64_t unused = 0;
        bool const is_user_memory = fault_address < layout::home_end.value || is_in_hosted_part({fault_address});
        if (is_user || (is_user_memory && find_recovery(frame.rip, unused))) {
            ++thread.uncounted_page_faults;
            if (trace::is_on(abi::TraceGroups::faults)) [[unlikely]]
                trace::record(abi::trace_page_fault(fault_address, frame.error_code, frame.rip));
            bool const is_restricted = is_user && arch::this_cpu().restricted != nullptr;
            // QEMU's iret in user mode reads the stack with the kernel's rights, which SMAP refuses whatever the page
            // is.
            // Nor may hosted code touch a program's memory without saying so.
            bool const is_refused_for_good =
                is_hosted ? fault_address < layout::home_end.value && (frame.rflags & access_flag) == 0 && astrata_has_smap != 0
                          : is_user && (frame.error_code & (page_was_present | fault_was_in_user_mode)) == page_was_present;
            arch::enable_interrupts();
            bool const is_resolved =
                !is_refused_for_good && resolve_page_fault(thread, {fault_address}, frame.error_code, is_restricted);
            (void)arch::disable_interrupts();
            // A thread that is to end dies on its way out, not of a page that it did not wait for.
            if (is_resolved || (is_user && thread.is_kill_pending()))
                return;
        }
    }
    if (is_user) {
        handle_user_exception(thread, frame, fault_address);
        return;
    }
    std::uint64_t recovery = 0;
    if (find_recovery(frame.rip, recovery)) {
        frame.rip = recovery;
        frame.rflags &= ~access_flag;
        return;
    }
    panic_with_registers(frame.vector == invalid_instruction ? "failed check: perhaps a call of a function of another type" : "exception in the kernel",
                         frame, fault_address);
}

void handle_interrupt(std::uint8_t vector) {
    arch::HeldLocksAside const held_locks_aside;
    auto& cpu = arch::this_cpu();
    ++cpu.interrupts;
    cpu.interrupt_timing = std::rotl(cpu.interrupt_timing, 7) ^ arch::timestamp();
    if (trace::is_on(abi::TraceGroups::interrupts)) [[unlikely]]
        trace::record_always(abi::trace_interrupt_enter(vector));
    switch (vector) {
    case arch::spurious_vector: break;
    case arch::timer_vector:
        arch::end_of_interrupt();
        sched::timer_interrupt();
        break;
    case arch::reschedule_vector:
        arch::end_of_interrupt();
        sched::reschedule_interrupt();
        break;
    case arch::tlb_flush_vector:
        ++arch::this_cpu().tlb_shootdowns;
        tlb::answer_request();
        arch::end_of_interrupt();
        break;
    case arch::stop_vector: arch::halt_forever();
    default: Interrupt::arrived(vector); break;
    }
    if (trace::is_on(abi::TraceGroups::interrupts)) [[unlikely]]
        trace::record_always(abi::trace_interrupt_exit(vector));
}

bool is_between(std::uint64_t address, void const* start, void const* end) {
    return address >= reinterpret_cast<std::uint64_t>(start) && address < reinterpret_cast<std::uint64_t>(end);
}

// A fault on the stack of hosted code that the processor could not report there. If Bedrock had not begun to work on that stack, the
// thread goes on from here on its kernel stack, where nothing is, and ends.
bool is_contained(arch::TrapFrame& frame, std::uint64_t fault_address) {
    bool const is_before_bedrock = is_in_hosted_part({frame.rip}) || is_between(frame.rip, trap_entry_start, trap_entry_end) ||
                                   is_between(frame.rip, reinterpret_cast<void const*>(&arch::hosted_entry), hosted_entry_end);
    auto& thread = arch::current_thread();
    if (!is_before_bedrock || !is_in_hosted_part({frame.rsp}) || !thread.is_user() || !thread.process().is_hosted())
        return false;
    auto& kept = arch::system_call_frame(thread.arch);
    kept = frame;
    frame.rip = reinterpret_cast<std::uint64_t>(&hosted_stack_exhausted);
    frame.rsp = reinterpret_cast<std::uint64_t>(&kept) - sizeof(std::uint64_t);   // as after a call
    frame.rflags &= ~std::uint64_t{arch::interrupt_flag};
    frame.rdi = reinterpret_cast<std::uint64_t>(&kept);
    frame.rsi = fault_address;
    return true;
}

}  // namespace

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
            report_to_personality(frame, abi::RestrictedExit::kick, 0);
        }
        return;
    }
}

}  // namespace astrata::kernel

extern "C" void trap_dispatch(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    if (frame.vector < 32)
        handle_exception(frame);
    else
        handle_interrupt(static_cast<std::uint8_t>(frame.vector));
    if (is_from_native_or_foreign_code(frame)) {
        leave_to_user(frame);
    } else if (frame.vector >= 32 && arch::this_cpu().preemption_depth == 0 &&
               (frame.rflags & arch::interrupt_flag) != 0) {
        sched::reschedule_if_needed();
    }
}

// On a stack of its own, perhaps in the middle of anything: nothing here may sleep or take locks that may be held.
extern "C" void trap_dispatch_paranoid(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    if (frame.vector == nmi) {
        try_print("non-maskable interrupt at ", hex(frame.rip));
        return;
    }
    auto const fault_address = arch::read_cr2();
    if (frame.vector == double_fault && is_contained(frame, fault_address))
        return;
    panic_with_registers(frame.vector == double_fault ? "double fault: kernel stack exhausted?" : "machine check",
                         frame, fault_address);
}

// On the thread's kernel stack, interrupts off: its stack in the hosted part has no room.
extern "C" void hosted_stack_exhausted(astrata::kernel::arch::TrapFrame& frame, std::uint64_t fault_address) {
    using namespace astrata::kernel;
    // The processor has taken an interrupt that it could then not deliver.
    if (auto const vector = arch::interrupt_in_service(); vector != 0)
        handle_interrupt(vector);
    auto& thread = arch::current_thread();
    print("process ", thread.process().id(), " (", thread.process().name(), ") has used up the stack of thread ", thread.id());
    frame.vector = double_fault;
    handle_user_exception(thread, frame, fault_address);
    settle_before_user_mode(frame);
    panic("a thread without a stack was to go on");
}
