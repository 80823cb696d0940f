// Exceptions and interrupts, from the common entry (trap_entry.S).
#include "arch/cpu.h"
#include "arch/exception.h"
#include "arch/local_timer.h"
#include "arch/smp.h"
#include "kernel/arch/riscv64/plic.h"
#include "kernel/arch/riscv64/requests.h"
#include "kernel/log/print.h"
#include "kernel/object/process.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/trap/panic.h"
#include "kernel/trap/user_exit.h"

extern "C" [[noreturn]] void unwind_restricted(astrata::abi::RestrictedExit reason);  // restricted_entry.S

namespace astrata::kernel {

namespace {

// scause: privileged architecture, table 4.2. The highest bit marks interrupts.
constexpr std::uint64_t is_interrupt_bit = std::uint64_t{1} << 63;
enum Cause : std::uint64_t {
    software = 1,  // interrupts
    timer = 5,
    external = 9,
    misaligned_fetch = 0,  // exceptions
    fetch_access = 1,
    invalid_instruction = 2,
    breakpoint = 3,
    misaligned_load = 4,
    load_access = 5,
    misaligned_store = 6,
    store_access = 7,
    user_call = 8,
    fetch_fault = 12,
    load_fault = 13,
    store_fault = 15,
};
// Not the processor's: the stack of hosted code is used up.
constexpr std::uint64_t no_stack = 24;  // the first cause for custom use

// Whether no page could make a faulting access lawful: hosted code may not touch a program's memory without saying so,
// nor run it at all.
bool is_refused(arch::TrapFrame const& frame, abi::Access access) {
    return is_in_hosted_part({frame.pc}) && frame.stval < layout::home_end.value &&
           ((frame.sstatus & arch::status_user_memory) == 0 || access == abi::Access::execute);
}

Exception describe(arch::TrapFrame const& frame) {
    Exception exception{.number = frame.scause};
    exception.is_page_fault = frame.scause == fetch_fault || frame.scause == load_fault || frame.scause == store_fault;
    exception.is_failed_check = frame.scause == invalid_instruction || frame.scause == breakpoint;
    // An address that no translation can have, and one with nothing behind it, are a copy routine's to survive, too.
    exception.may_be_recovered = exception.is_page_fault || frame.scause == load_access ||
                                 frame.scause == store_access || frame.scause == misaligned_load ||
                                 frame.scause == misaligned_store;
    if (exception.may_be_recovered)
        exception.address = {frame.stval};
    if (exception.is_page_fault) {
        exception.access = frame.scause == fetch_fault   ? abi::Access::execute
                           : frame.scause == store_fault ? abi::Access::write
                                                         : abi::Access::read;
        exception.is_refused = is_refused(frame, exception.access);
    }
    return exception;
}

// A processor may remember that a page was not there (section 4.2.1), and instructions from before somebody wrote
// others.
void forget_before_return(arch::TrapFrame const& frame) {
    auto& cpu = arch::this_cpu();
    if (cpu.last_fault == frame.stval)
        asm volatile("sfence.vma %0, zero" ::"r"(frame.stval) : "memory");
    cpu.last_fault = frame.stval;
    if (frame.scause == fetch_fault)
        asm volatile("fence.i" ::: "memory");
}

void handle_interrupt(std::uint64_t number) {
    InterruptScope const scope(static_cast<std::uint32_t>(number));
    switch (number) {
    case software: arch::answer_requests(); break;
    case timer:
        // It stays pending until the next deadline is set.
        arch::arm_timer(~std::uint64_t{0});
        sched::timer_interrupt();
        break;
    case external: arch::take_device_interrupts(); break;
    default: break;
    }
}

}  // namespace

void arch::report_to_personality(TrapFrame& frame, abi::RestrictedExit reason, Exception const& exception) {
    (void)disable_interrupts();
    auto& state = *this_cpu().restricted;
    state.ra = frame.ra, state.sp = frame.sp, state.gp = frame.gp, state.tp = frame.tp;
    state.t0 = frame.t0, state.t1 = frame.t1, state.t2 = frame.t2, state.s0 = frame.s0, state.s1 = frame.s1;
    state.a0 = frame.a[0], state.a1 = frame.a[1], state.a2 = frame.a[2], state.a3 = frame.a[3];
    state.a4 = frame.a[4], state.a5 = frame.a[5], state.a6 = frame.a[6], state.a7 = frame.a[7];
    state.s2 = frame.words[0], state.s3 = frame.words[1], state.s4 = frame.words[2], state.s5 = frame.words[3];
    state.s6 = frame.words[4], state.s7 = frame.words[5], state.s8 = frame.words[6], state.s9 = frame.words[7];
    state.s10 = frame.s10, state.s11 = frame.s11;
    state.t3 = frame.t3, state.t4 = frame.t4, state.t5 = frame.t5, state.t6 = frame.t6;
    state.pc = frame.pc;
    state.exit = reason;
    state.vector = static_cast<std::uint32_t>(exception.number);
    state.error_code = exception.code;
    state.fault_address = exception.address.value;
    unwind_restricted(reason);
}

}  // namespace astrata::kernel

extern "C" void trap_dispatch(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    bool const is_interrupt = (frame.scause & is_interrupt_bit) != 0;
    if (is_interrupt) {
        handle_interrupt(frame.scause & ~is_interrupt_bit);
    } else {
        auto const exception = describe(frame);
        handle_exception(frame, exception);
        if (exception.is_page_fault)
            forget_before_return(frame);
    }
    leave_trap(frame, is_interrupt);
}

// On the thread's kernel stack, interrupts off: its stack in the hosted part has no room.
extern "C" [[noreturn]] void hosted_stack_exhausted(astrata::kernel::arch::TrapFrame& frame,
                                                    std::uint64_t fault_address) {
    using namespace astrata::kernel;
    auto& thread = arch::current_thread();
    print("process ", thread.process().id(), " (", thread.process().name(), ") has used up the stack of thread ",
          thread.id());
    frame.scause = no_stack;
    handle_user_exception(frame, {.number = no_stack, .address = {fault_address}});
    settle_before_user_mode(frame);
    panic("a thread without a stack was to go on");
}

// On the CPU's emergency stack, interrupts off.
extern "C" [[noreturn]] void kernel_stack_exhausted(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    panic_with_registers("kernel stack exhausted", frame, {.number = frame.scause, .address = {frame.stval}});
}
