// Exceptions and interrupts, from the common entry (trap_entry.S).
#include "arch/cpu.h"
#include "arch/exception.h"
#include "arch/smp.h"
#include "arch/thread_state.h"
#include "arch/tlb_interrupt.h"
#include "kernel/arch/x86_64/local_apic.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/log/print.h"
#include "kernel/object/process.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/trap/panic.h"
#include "kernel/trap/user_exit.h"

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
enum Vector : std::uint64_t {
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

abi::Access access_of(std::uint64_t error_code) {
    if ((error_code & fault_was_fetch) != 0)
        return abi::Access::execute;
    return (error_code & fault_was_write) != 0 ? abi::Access::write : abi::Access::read;
}

// Whether no page could make a faulting access lawful.
bool is_refused(arch::TrapFrame const& frame, std::uint64_t fault_address) {
    // Hosted code may not touch a program's memory without saying so.
    if (is_in_hosted_part({frame.rip}))
        return fault_address < layout::home_end.value && (frame.rflags & arch::user_access_flag) == 0 &&
               astrata_has_smap != 0;
    // QEMU's iret in user mode reads the stack with the kernel's rights, which SMAP refuses whatever the page is.
    return frame.is_from_user() && (frame.error_code & (page_was_present | fault_was_in_user_mode)) == page_was_present;
}

Exception describe(arch::TrapFrame const& frame) {
    Exception exception{.number = frame.vector, .code = frame.error_code};
    exception.may_be_recovered = frame.vector == page_fault || frame.vector == general_protection;
    exception.is_failed_check = frame.vector == invalid_instruction;
    if (frame.vector == page_fault) {
        exception.is_page_fault = true;
        exception.address = {arch::read_cr2()};
        exception.access = access_of(frame.error_code);
        exception.is_refused = is_refused(frame, exception.address.value);
    }
    return exception;
}

void store_registers(arch::RestrictedState& state, arch::TrapFrame& frame) {
    state.rax = frame.rax, state.rbx = frame.rbx(), state.rcx = frame.rcx, state.rdx = frame.rdx;
    state.rsi = frame.rsi, state.rdi = frame.rdi, state.rbp = frame.rbp, state.rsp = frame.rsp;
    state.r8 = frame.r8(), state.r9 = frame.r9(), state.r10 = frame.r10(), state.r11 = frame.r11;
    state.r12 = frame.r12(), state.r13 = frame.r13(), state.r14 = frame.r14(), state.r15 = frame.r15();
    state.rip = frame.rip, state.rflags = frame.rflags;
}

// Returns the driver's thread that waited for the interrupt, if that was it; it is to be made ready.
[[nodiscard]] Thread* handle_interrupt(std::uint8_t vector) {
    InterruptScope const scope(vector);
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
    default: {
        auto* const woken = Interrupt::take_arrival(vector);
        arch::end_of_interrupt();
        return woken;
    }
    }
    return nullptr;
}

bool is_between(std::uint64_t address, void const* start, void const* end) {
    return address >= reinterpret_cast<std::uint64_t>(start) && address < reinterpret_cast<std::uint64_t>(end);
}

// A fault on the stack of hosted code that the processor could not report there. If Bedrock had not begun to work on
// that stack, the thread goes on from here on its kernel stack, where nothing is, and ends.
bool is_contained(arch::TrapFrame& frame, std::uint64_t fault_address) {
    bool const is_before_bedrock =
        is_in_hosted_part({frame.rip}) || is_between(frame.rip, trap_entry_start, trap_entry_end) ||
        is_between(frame.rip, reinterpret_cast<void const*>(&arch::hosted_entry), hosted_entry_end);
    auto& thread = arch::current_thread();
    if (!is_before_bedrock || !is_in_hosted_part({frame.rsp}) || !thread.is_user() || !thread.process().is_hosted())
        return false;
    auto& kept = arch::system_call_frame(thread.arch);
    kept = frame;
    frame.rip = reinterpret_cast<std::uint64_t>(&hosted_stack_exhausted);
    frame.rsp = reinterpret_cast<std::uint64_t>(&kept) - sizeof(std::uint64_t);  // as after a call
    frame.rflags &= ~std::uint64_t{arch::interrupt_flag};
    frame.rdi = reinterpret_cast<std::uint64_t>(&kept);
    frame.rsi = fault_address;
    return true;
}

}  // namespace

void arch::report_to_personality(TrapFrame& frame, abi::RestrictedExit reason, Exception const& exception) {
    (void)disable_interrupts();
    auto& state = *this_cpu().restricted;
    store_registers(state, frame);
    state.exit = reason;
    state.vector = static_cast<std::uint32_t>(frame.vector);
    state.error_code = frame.error_code;
    state.fault_address = exception.address.value;
    leave_restricted(static_cast<std::uint32_t>(reason));
}

}  // namespace astrata::kernel

extern "C" void trap_dispatch(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    bool const is_interrupt = frame.vector >= 32;
    if (!is_interrupt)
        handle_exception(frame, describe(frame));
    else if (auto* const woken = handle_interrupt(static_cast<std::uint8_t>(frame.vector)); woken != nullptr)
        frame.is_from_user() ? sched::make_ready_or_run(*woken) : sched::make_ready(*woken);
    leave_trap(frame, is_interrupt);
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
                         frame, {.number = frame.vector, .code = frame.error_code, .address = {fault_address}});
}

// On the thread's kernel stack, interrupts off: its stack in the hosted part has no room.
extern "C" void hosted_stack_exhausted(astrata::kernel::arch::TrapFrame& frame, std::uint64_t fault_address) {
    using namespace astrata::kernel;
    // The processor has taken an interrupt that it could then not deliver.
    if (auto const vector = arch::interrupt_in_service(); vector != 0) {
        if (auto* const woken = handle_interrupt(vector); woken != nullptr)
            sched::make_ready(*woken);
    }
    auto& thread = arch::current_thread();
    print("process ", thread.process().id(), " (", thread.process().name(), ") has used up the stack of thread ",
          thread.id());
    frame.vector = double_fault;
    handle_user_exception(frame, {.number = double_fault, .address = {fault_address}});
    settle_before_user_mode(frame);
    panic("a thread without a stack was to go on");
}
