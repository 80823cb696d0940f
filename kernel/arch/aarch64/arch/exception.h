// The machine's side of an exception.
#pragma once

#include <cstdint>
#include <string_view>

#include "arch/trap_frame.h"
#include "kernel/arch/aarch64/features.h"
#include "kernel/trap/exception.h"

namespace astrata::kernel::arch {

/// Foreign code leaves restricted mode: its registers and `exception` go into the state that it shares with its
/// personality.
[[noreturn]] void report_to_personality(TrapFrame& frame, abi::RestrictedExit reason, Exception const& exception);

/// Native code goes on at the place that it named, and finds there, in x0, the address that faulted.
inline void recover_native(TrapFrame& frame, std::uint64_t place, std::uint64_t fault_address) {
    frame.elr = place;
    frame.x<0>() = fault_address;
}
/// The kernel goes on where its exception table says, without access to user memory.
inline void recover_kernel(TrapFrame& frame, std::uint64_t place) {
    frame.elr = place;
    if (features.has_pan)
        frame.spsr |= pstate_guards_user;
}

/// Calls print(name, value) for each register; `value` may be an address.
template <typename Print>
void for_each_register(TrapFrame& frame, Print print) {
    print("pc", frame.elr), print("sp", frame.sp), print("pstate", frame.spsr), print("lr", frame.x<30>());
    print("x0", frame.words[0]), print("x1", frame.words[1]), print("x2", frame.words[2]), print("x3", frame.words[3]);
    print("x4", frame.words[4]), print("x5", frame.words[5]), print("x6", frame.words[6]), print("x7", frame.words[7]);
    print("x8", frame.x<8>()), print("x9", frame.x<9>()), print("x10", frame.x<10>()), print("x11", frame.x<11>());
    print("x12", frame.x<12>()), print("x13", frame.x<13>()), print("x14", frame.x<14>()), print("x15", frame.x<15>());
    print("x16", frame.x<16>()), print("x17", frame.x<17>()), print("x18", frame.x<18>()), print("x19", frame.x<19>());
    print("x20", frame.x<20>()), print("x21", frame.x<21>()), print("x22", frame.x<22>()), print("x23", frame.x<23>());
    print("x24", frame.x<24>()), print("x25", frame.x<25>()), print("x26", frame.x<26>()), print("x27", frame.x<27>());
    print("x28", frame.x<28>()), print("fp", frame.x<29>());
}

}  // namespace astrata::kernel::arch
