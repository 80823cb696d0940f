// The registers of a program on aarch64, and what its exceptions mean (Arm ARM, ESR_EL1).
#pragma once

#include "abi/types.h"
#include "strates/linux/arch/exception.h"
#include "strates/linux/arch/register_roles.h"

namespace astrata::linux_abi::aarch64 {

using RestrictedState = abi::RestrictedStateAarch64;

inline constexpr RegisterRoles<RestrictedState> roles = {
    .call_number = &RestrictedState::x8,
    .arguments = {&RestrictedState::x0, &RestrictedState::x1, &RestrictedState::x2, &RestrictedState::x3,
                  &RestrictedState::x4, &RestrictedState::x5},
    .result = &RestrictedState::x0,
    .instruction = &RestrictedState::pc,
    .stack = &RestrictedState::sp,
    .thread = &RestrictedState::thread_pointer,
    .call_bytes = 4,  // svc
};

inline constexpr std::array named_registers = {
    NamedRegister<RestrictedState>{"pc", &RestrictedState::pc},
    NamedRegister<RestrictedState>{"sp", &RestrictedState::sp},
    NamedRegister<RestrictedState>{"pstate", &RestrictedState::pstate},
    NamedRegister<RestrictedState>{"tpidr", &RestrictedState::thread_pointer},
    NamedRegister<RestrictedState>{"x0", &RestrictedState::x0},
    NamedRegister<RestrictedState>{"x1", &RestrictedState::x1},
    NamedRegister<RestrictedState>{"x2", &RestrictedState::x2},
    NamedRegister<RestrictedState>{"x3", &RestrictedState::x3},
    NamedRegister<RestrictedState>{"x4", &RestrictedState::x4},
    NamedRegister<RestrictedState>{"x5", &RestrictedState::x5},
    NamedRegister<RestrictedState>{"x6", &RestrictedState::x6},
    NamedRegister<RestrictedState>{"x7", &RestrictedState::x7},
    NamedRegister<RestrictedState>{"x8", &RestrictedState::x8},
    NamedRegister<RestrictedState>{"x9", &RestrictedState::x9},
    NamedRegister<RestrictedState>{"x10", &RestrictedState::x10},
    NamedRegister<RestrictedState>{"x11", &RestrictedState::x11},
    NamedRegister<RestrictedState>{"x12", &RestrictedState::x12},
    NamedRegister<RestrictedState>{"x13", &RestrictedState::x13},
    NamedRegister<RestrictedState>{"x14", &RestrictedState::x14},
    NamedRegister<RestrictedState>{"x15", &RestrictedState::x15},
    NamedRegister<RestrictedState>{"x16", &RestrictedState::x16},
    NamedRegister<RestrictedState>{"x17", &RestrictedState::x17},
    NamedRegister<RestrictedState>{"x18", &RestrictedState::x18},
    NamedRegister<RestrictedState>{"x19", &RestrictedState::x19},
    NamedRegister<RestrictedState>{"x20", &RestrictedState::x20},
    NamedRegister<RestrictedState>{"x21", &RestrictedState::x21},
    NamedRegister<RestrictedState>{"x22", &RestrictedState::x22},
    NamedRegister<RestrictedState>{"x23", &RestrictedState::x23},
    NamedRegister<RestrictedState>{"x24", &RestrictedState::x24},
    NamedRegister<RestrictedState>{"x25", &RestrictedState::x25},
    NamedRegister<RestrictedState>{"x26", &RestrictedState::x26},
    NamedRegister<RestrictedState>{"x27", &RestrictedState::x27},
    NamedRegister<RestrictedState>{"x28", &RestrictedState::x28},
    NamedRegister<RestrictedState>{"x29", &RestrictedState::x29},
    NamedRegister<RestrictedState>{"x30", &RestrictedState::x30},
};

/// The rest of what a new program begins with; all else is zero, which in PSTATE is user mode with interrupts on.
constexpr void begin_program(RestrictedState&) {}

constexpr ProgramException describe_exception(RestrictedState const& state) {
    auto const here = state.pc;
    enum : std::uint32_t {
        branch_target = 0x0d,
        pointer_authentication = 0x1c,
        fetch_abort = 0x20,
        instruction_alignment = 0x22,
        data_abort = 0x24,
        stack_alignment = 0x26,
        floating_point = 0x2c,
        breakpoint = 0x30,
        single_step = 0x32,
        watchpoint = 0x34,
        break_instruction = 0x3c,
    };
    switch (state.vector) {
    case fetch_abort:
    case data_abort: break;
    case instruction_alignment: return {.signal = Signal::sigbus, .code = signal_code::bus_alignment, .address = here};
    case stack_alignment: return {.signal = Signal::sigbus, .code = signal_code::bus_alignment, .address = state.sp};
    case floating_point: return {.signal = Signal::sigfpe, .code = 0, .address = here};
    case breakpoint: return {.signal = Signal::sigtrap, .code = signal_code::trap_hardware, .address = here};
    case single_step: return {.signal = Signal::sigtrap, .code = signal_code::trap_trace, .address = here};
    case watchpoint:
        return {.signal = Signal::sigtrap, .code = signal_code::trap_hardware, .address = state.fault_address};
    case break_instruction: return {.signal = Signal::sigtrap, .code = signal_code::trap_breakpoint, .address = here};
    case pointer_authentication:
        return {.signal = Signal::sigill, .code = signal_code::illegal_operand, .address = here};
    case branch_target:
    default:  // unknown instructions, and those that are not for user mode
        return {.signal = Signal::sigill, .code = signal_code::illegal_opcode, .address = here};
    }
    constexpr std::uint64_t status_code = 0x3f, alignment = 0x21, external = 0x10;
    auto const status = state.error_code & status_code;
    if (status == alignment)
        return {.signal = Signal::sigbus, .code = signal_code::bus_alignment, .address = state.fault_address};
    if (status == external)
        return {.signal = Signal::sigbus, .code = signal_code::bus_hardware, .address = state.fault_address};
    // Cache maintenance counts as a write in the syndrome and needs only the right to read.
    constexpr std::uint64_t is_write = 1 << 6, is_maintenance = 1 << 8;
    bool const is_fetch = state.vector == fetch_abort;
    return {.address = state.fault_address,
            .is_page_fault = true,
            .is_write = !is_fetch && (state.error_code & (is_write | is_maintenance)) == is_write,
            .is_fetch = is_fetch};
}

}  // namespace astrata::linux_abi::aarch64
