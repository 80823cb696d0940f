// Exceptions and interrupts, from the common entry (trap_entry.S).
#include <cstddef>
#include <cstring>

#include "arch/cpu.h"
#include "arch/exception.h"
#include "arch/thread_state.h"
#include "kernel/arch/aarch64/interrupt_controller.h"
#include "kernel/log/print.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"
#include "kernel/trap/panic.h"
#include "kernel/trap/user_exit.h"

extern "C" [[noreturn]] void leave_restricted(std::uint32_t reason);

namespace astrata::kernel {

namespace {

// ESR_EL1.EC (Arm ARM DDI 0487, section D23.2.39).
enum Class : std::uint64_t {
    fetch_abort_from_user = 0x20,
    fetch_abort = 0x21,
    data_abort_from_user = 0x24,
    data_abort = 0x25,
    breakpoint_instruction = 0x3c,  // BRK, which the compiler puts where a check fails
};

// ISS of aborts.
constexpr std::uint64_t write_not_read = 1U << 6;     // WnR
constexpr std::uint64_t cache_maintenance = 1U << 8;  // CM: reported as a write, but needs no more than reading
constexpr std::uint64_t fault_status = 0x3f;          // DFSC, IFSC
constexpr std::uint64_t address_invalid = 1U << 10;   // FnV

// Translation (4-7), access flag (8-11) and permission faults (12-15), of any level.
bool is_of_a_page(std::uint64_t status) {
    return status >= 4 && status < 16;
}
bool is_abort(std::uint64_t number) {
    return number == fetch_abort_from_user || number == fetch_abort || number == data_abort_from_user ||
           number == data_abort;
}

abi::Access access_of(std::uint64_t number, std::uint64_t syndrome) {
    if (number == fetch_abort || number == fetch_abort_from_user)
        return abi::Access::execute;
    bool const is_write = (syndrome & (write_not_read | cache_maintenance)) == write_not_read;
    return is_write ? abi::Access::write : abi::Access::read;
}

// Whether no page could make a faulting access lawful.
bool is_refused(arch::TrapFrame const& frame, Exception const& exception) {
    // Hosted code may not touch a program's memory without saying so.
    if (is_in_hosted_part({frame.elr}))
        return exception.address < layout::home_end && (frame.spsr & arch::pstate_guards_user) != 0;
    return false;
}

Exception describe(arch::TrapFrame const& frame) {
    auto const number = frame.syndrome >> 26 & 0x3f;
    Exception exception{.number = number, .code = frame.syndrome};
    exception.is_failed_check = number == breakpoint_instruction;
    if (!is_abort(number) || (frame.syndrome & address_invalid) != 0)
        return exception;
    exception.address = {frame.fault_address};
    exception.may_be_recovered = true;
    exception.is_page_fault = is_of_a_page(frame.syndrome & fault_status);
    exception.access = access_of(number, frame.syndrome);
    exception.is_refused = is_refused(frame, exception);
    return exception;
}

// The state begins as a frame does (abi/types.abi).
void store_registers(arch::RestrictedState& state, arch::TrapFrame const& frame) {
    static_assert(offsetof(arch::RestrictedState, pstate) == offsetof(arch::TrapFrame, spsr));
    std::memcpy(&state, &frame, offsetof(arch::TrapFrame, syndrome));
    state.thread_pointer = ASTRATA_READ_REGISTER("tpidr_el0");
}

}  // namespace

void arch::report_to_personality(TrapFrame& frame, abi::RestrictedExit reason, Exception const& exception) {
    (void)disable_interrupts();
    auto& state = *this_cpu().restricted;
    store_registers(state, frame);
    state.exit = reason;
    state.vector = static_cast<std::uint32_t>(exception.number);
    state.error_code = exception.code;
    state.fault_address = exception.address.value;
    leave_restricted(static_cast<std::uint32_t>(reason));
}

}  // namespace astrata::kernel

extern "C" void trap_synchronous(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    handle_exception(frame, describe(frame));
    leave_trap(frame, false);
}

extern "C" void trap_interrupt(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    arch::handle_interrupts(frame.is_from_user());
    leave_trap(frame, true);
}

extern "C" void trap_stack_overflow(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    panic_with_registers("kernel stack exhausted", frame, describe(frame));
}

extern "C" void trap_unexpected(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata::kernel;
    panic_with_registers("system error", frame, describe(frame));
}

// On the thread's kernel stack, interrupts off: its stack in the hosted part has no room.
extern "C" void hosted_stack_exhausted(astrata::kernel::arch::TrapFrame& frame, std::uint64_t fault_address) {
    using namespace astrata::kernel;
    auto& thread = arch::current_thread();
    print("process ", thread.process().id(), " (", thread.process().name(), ") has used up the stack of thread ",
          thread.id());
    handle_user_exception(frame, {.number = data_abort, .address = {fault_address}});
    settle_before_user_mode(frame);
    panic("a thread without a stack was to go on");
}
