// The machine's side of an exception.
#pragma once

#include <cstdint>

#include "arch/trap_frame.h"
#include "kernel/trap/exception.h"

namespace astrata::kernel::arch {

/// Foreign code leaves restricted mode: its registers and `exception` go into the state that it shares with its
/// personality.
[[noreturn]] void report_to_personality(TrapFrame& frame, abi::RestrictedExit reason, Exception const& exception);

/// Native code goes on at the place that it named, and finds there the address that faulted.
inline void recover_native(TrapFrame& frame, std::uint64_t place, std::uint64_t fault_address) {
    frame.rip = place;
    frame.rax = fault_address;
}
/// The kernel goes on where its exception table says, without access to user memory.
inline void recover_kernel(TrapFrame& frame, std::uint64_t place) {
    frame.rip = place;
    frame.rflags &= ~user_access_flag;
}

/// Calls print(name, value) for each register; `value` may be an address.
template <typename Print>
void for_each_register(TrapFrame& frame, Print print) {
    print("rip", frame.rip), print("rsp", frame.rsp), print("rflags", frame.rflags), print("cs", frame.cs);
    print("rax", frame.rax), print("rbx", frame.rbx()), print("rcx", frame.rcx), print("rdx", frame.rdx);
    print("rsi", frame.rsi), print("rdi", frame.rdi), print("rbp", frame.rbp), print("r8", frame.r8());
    print("r9", frame.r9()), print("r10", frame.r10()), print("r11", frame.r11), print("r12", frame.r12());
    print("r13", frame.r13()), print("r14", frame.r14()), print("r15", frame.r15());
}

}  // namespace astrata::kernel::arch
