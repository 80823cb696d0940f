// The registers of a program on riscv64, and what its exceptions mean (privileged architecture, scause).
#pragma once

#include "abi/types.h"
#include "strates/linux/arch/exception.h"
#include "strates/linux/arch/register_roles.h"

namespace astrata::linux_abi::riscv64 {

using RestrictedState = abi::RestrictedStateRiscv64;

inline constexpr RegisterRoles<RestrictedState> roles = {
    .call_number = &RestrictedState::a7,
    .arguments = {&RestrictedState::a0, &RestrictedState::a1, &RestrictedState::a2, &RestrictedState::a3,
                  &RestrictedState::a4, &RestrictedState::a5},
    .result = &RestrictedState::a0,
    .instruction = &RestrictedState::pc,
    .stack = &RestrictedState::sp,
    .thread = &RestrictedState::tp,
    .call_bytes = 4,  // ecall
};

inline constexpr std::array named_registers = {
    NamedRegister<RestrictedState>{"pc", &RestrictedState::pc},
    NamedRegister<RestrictedState>{"ra", &RestrictedState::ra},
    NamedRegister<RestrictedState>{"sp", &RestrictedState::sp},
    NamedRegister<RestrictedState>{"gp", &RestrictedState::gp},
    NamedRegister<RestrictedState>{"tp", &RestrictedState::tp},
    NamedRegister<RestrictedState>{"t0", &RestrictedState::t0},
    NamedRegister<RestrictedState>{"t1", &RestrictedState::t1},
    NamedRegister<RestrictedState>{"t2", &RestrictedState::t2},
    NamedRegister<RestrictedState>{"s0", &RestrictedState::s0},
    NamedRegister<RestrictedState>{"s1", &RestrictedState::s1},
    NamedRegister<RestrictedState>{"a0", &RestrictedState::a0},
    NamedRegister<RestrictedState>{"a1", &RestrictedState::a1},
    NamedRegister<RestrictedState>{"a2", &RestrictedState::a2},
    NamedRegister<RestrictedState>{"a3", &RestrictedState::a3},
    NamedRegister<RestrictedState>{"a4", &RestrictedState::a4},
    NamedRegister<RestrictedState>{"a5", &RestrictedState::a5},
    NamedRegister<RestrictedState>{"a6", &RestrictedState::a6},
    NamedRegister<RestrictedState>{"a7", &RestrictedState::a7},
    NamedRegister<RestrictedState>{"s2", &RestrictedState::s2},
    NamedRegister<RestrictedState>{"s3", &RestrictedState::s3},
    NamedRegister<RestrictedState>{"s4", &RestrictedState::s4},
    NamedRegister<RestrictedState>{"s5", &RestrictedState::s5},
    NamedRegister<RestrictedState>{"s6", &RestrictedState::s6},
    NamedRegister<RestrictedState>{"s7", &RestrictedState::s7},
    NamedRegister<RestrictedState>{"s8", &RestrictedState::s8},
    NamedRegister<RestrictedState>{"s9", &RestrictedState::s9},
    NamedRegister<RestrictedState>{"s10", &RestrictedState::s10},
    NamedRegister<RestrictedState>{"s11", &RestrictedState::s11},
    NamedRegister<RestrictedState>{"t3", &RestrictedState::t3},
    NamedRegister<RestrictedState>{"t4", &RestrictedState::t4},
    NamedRegister<RestrictedState>{"t5", &RestrictedState::t5},
    NamedRegister<RestrictedState>{"t6", &RestrictedState::t6},
};

/// The rest of what a new program begins with; all else is zero.
constexpr void begin_program(RestrictedState&) {}

constexpr ProgramException describe_exception(RestrictedState const& state) {
    auto const here = state.pc;
    auto const address = state.fault_address;
    enum : std::uint32_t {
        fetch_misaligned = 0,
        fetch_refused = 1,  // by physical memory protection
        illegal_instruction = 2,
        breakpoint = 3,
        load_misaligned = 4,
        load_refused = 5,
        store_misaligned = 6,
        store_refused = 7,
        fetch_page = 12,
        load_page = 13,
        store_page = 15,
    };
    switch (state.vector) {
    case fetch_misaligned: return {.signal = Signal::sigbus, .code = signal_code::bus_alignment, .address = here};
    case illegal_instruction: return {.signal = Signal::sigill, .code = signal_code::illegal_opcode, .address = here};
    case breakpoint: return {.signal = Signal::sigtrap, .code = signal_code::trap_breakpoint, .address = here};
    case load_misaligned:
    case store_misaligned: return {.signal = Signal::sigbus, .code = signal_code::bus_alignment, .address = address};
    case fetch_refused:
    case load_refused:
    case store_refused: return {.signal = Signal::sigsegv, .code = signal_code::segment_access, .address = address};
    case fetch_page: return {.address = address, .is_page_fault = true, .is_fetch = true};
    case load_page: return {.address = address, .is_page_fault = true};
    case store_page: return {.address = address, .is_page_fault = true, .is_write = true};
    default: return {.signal = Signal::sigill, .code = signal_code::illegal_trap, .address = here};
    }
}

}  // namespace astrata::linux_abi::riscv64
