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
    frame.pc = place;
    frame.a[0] = fault_address;
}
/// The kernel goes on where its exception table says, without access to user memory.
inline void recover_kernel(TrapFrame& frame, std::uint64_t place) {
    frame.pc = place;
    frame.sstatus &= ~status_user_memory;
}

/// Calls print(name, value) for each register; `value` may be an address.
template <typename Print>
void for_each_register(TrapFrame& frame, Print print) {
    print("pc", frame.pc), print("sp", frame.sp), print("sstatus", frame.sstatus), print("ra", frame.ra);
    print("gp", frame.gp), print("tp", frame.tp), print("s0", frame.s0), print("s1", frame.s1);
    print("a0", frame.a[0]), print("a1", frame.a[1]), print("a2", frame.a[2]), print("a3", frame.a[3]);
    print("a4", frame.a[4]), print("a5", frame.a[5]), print("a6", frame.a[6]), print("a7", frame.a[7]);
    print("s2", frame.words[0]), print("s3", frame.words[1]), print("s4", frame.words[2]), print("s5", frame.words[3]);
    print("s6", frame.words[4]), print("s7", frame.words[5]), print("s8", frame.words[6]), print("s9", frame.words[7]);
    print("s10", frame.s10), print("s11", frame.s11), print("t0", frame.t0), print("t1", frame.t1);
    print("t2", frame.t2), print("t3", frame.t3), print("t4", frame.t4), print("t5", frame.t5), print("t6", frame.t6);
}

}  // namespace astrata::kernel::arch
