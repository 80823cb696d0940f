// The registers of a program on x86_64, and what its exceptions mean (Intel SDM volume 3, chapter 6).
#pragma once

#include "abi/types.h"
#include "strates/linux/arch/exception.h"
#include "strates/linux/arch/register_roles.h"

namespace astrata::linux_abi::x86_64 {

using RestrictedState = abi::RestrictedStateX86;

inline constexpr RegisterRoles<RestrictedState> roles = {
    .call_number = &RestrictedState::rax,
    .arguments = {&RestrictedState::rdi, &RestrictedState::rsi, &RestrictedState::rdx, &RestrictedState::r10,
                  &RestrictedState::r8, &RestrictedState::r9},
    .result = &RestrictedState::rax,
    .instruction = &RestrictedState::rip,
    .stack = &RestrictedState::rsp,
    .thread = &RestrictedState::fs_base,
    .call_bytes = 2,  // syscall
};

inline constexpr std::array named_registers = {
    NamedRegister<RestrictedState>{"rip", &RestrictedState::rip},
    NamedRegister<RestrictedState>{"rsp", &RestrictedState::rsp},
    NamedRegister<RestrictedState>{"rflags", &RestrictedState::rflags},
    NamedRegister<RestrictedState>{"rbp", &RestrictedState::rbp},
    NamedRegister<RestrictedState>{"rax", &RestrictedState::rax},
    NamedRegister<RestrictedState>{"rbx", &RestrictedState::rbx},
    NamedRegister<RestrictedState>{"rcx", &RestrictedState::rcx},
    NamedRegister<RestrictedState>{"rdx", &RestrictedState::rdx},
    NamedRegister<RestrictedState>{"rsi", &RestrictedState::rsi},
    NamedRegister<RestrictedState>{"rdi", &RestrictedState::rdi},
    NamedRegister<RestrictedState>{"r8", &RestrictedState::r8},
    NamedRegister<RestrictedState>{"r9", &RestrictedState::r9},
    NamedRegister<RestrictedState>{"r10", &RestrictedState::r10},
    NamedRegister<RestrictedState>{"r11", &RestrictedState::r11},
    NamedRegister<RestrictedState>{"r12", &RestrictedState::r12},
    NamedRegister<RestrictedState>{"r13", &RestrictedState::r13},
    NamedRegister<RestrictedState>{"r14", &RestrictedState::r14},
    NamedRegister<RestrictedState>{"r15", &RestrictedState::r15},
    NamedRegister<RestrictedState>{"fs", &RestrictedState::fs_base},
    NamedRegister<RestrictedState>{"gs", &RestrictedState::gs_base},
};

/// The rest of what a new program begins with; all else is zero.
constexpr void begin_program(RestrictedState& state) {
    state.rflags = 0x202;  // interrupts on, and the bit that is always one
}

constexpr ProgramException describe_exception(RestrictedState const& state) {
    auto const here = state.rip;
    switch (state.vector) {
    case 0: return {.signal = Signal::sigfpe, .code = signal_code::divide_by_zero, .address = here};
    case 1: return {.signal = Signal::sigtrap, .code = signal_code::trap_trace, .address = here};
    case 3: return {.signal = Signal::sigtrap};
    case 6: return {.signal = Signal::sigill, .code = signal_code::illegal_operand, .address = here};
    case 11:
    case 12: return {.signal = Signal::sigbus};
    case 14: break;
    case 16:
    case 19: return {.signal = Signal::sigfpe, .code = 0, .address = here};
    case 17: return {.signal = Signal::sigbus, .code = signal_code::bus_alignment};
    default: return {};
    }
    constexpr std::uint64_t is_write = 2, is_user = 4, is_fetch = 16;
    // An access that the processor makes with the kernel's rights, which no mapping of the program's allows.
    if ((state.error_code & is_user) == 0)
        return {};
    return {.address = state.fault_address,
            .is_page_fault = true,
            .is_write = (state.error_code & is_write) != 0,
            .is_fetch = (state.error_code & is_fetch) != 0};
}

}  // namespace astrata::linux_abi::x86_64
