// What a processor says about an exception, in words that all machines share, and what Bedrock makes of it.
#pragma once

#include <cstdint>

#include "abi/types.h"
#include "arch/cpu.h"
#include "arch/trap_frame.h"
#include "lib/base/units.h"

namespace astrata::kernel {

struct Exception {
    std::uint64_t number = 0;  ///< the machine's own: vector, class or cause
    std::uint64_t code = 0;    ///< the machine's own: error code or syndrome
    VirtAddr address;          ///< of a page fault
    bool is_page_fault = false;
    abi::Access access = abi::Access::read;  ///< of a page fault
    bool is_refused = false;                 ///< a page fault that no mapping could mend
    bool may_be_recovered = false;           ///< of native code, if it names a place to go on at
    bool is_failed_check = false;            ///< what the compiler puts where a check of the kernel fails
};

/// Exceptions of user mode, of hosted code and of the kernel. Interrupts are off.
void handle_exception(arch::TrapFrame& frame, Exception const& exception);
/// The same once no page can help.
void handle_user_exception(arch::TrapFrame& frame, Exception const& exception);

/// Around the handling of each interrupt: counts and records it.
class InterruptScope {
public:
    explicit InterruptScope(std::uint32_t number);
    ~InterruptScope();
    InterruptScope(InterruptScope const&) = delete;
    InterruptScope& operator=(InterruptScope const&) = delete;

private:
    arch::HeldLocksAside held_locks_aside_;
    std::uint32_t number_;
};

/// The end of every exception and interrupt: what the interrupted code must not go on without.
void leave_trap(arch::TrapFrame& frame, bool is_interrupt);

/// In the part of the kernel half where hosted native code and its memory lie.
[[nodiscard]] bool is_in_hosted_part(VirtAddr address);

}  // namespace astrata::kernel
