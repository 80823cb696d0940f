// System calls: from the entry code to the handler and back. Most go through the generated table; the three that carry
// messages work on the register frame itself.
#include <bit>
#include <span>

#include "abi/kernel_calls.h"
#include "abi/system_call_numbers.h"
#include "arch/cpu.h"
#include "arch/trap_frame.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/ipc/message_calls.h"
#include "kernel/ipc/notification.h"
#include "kernel/ipc/timer.h"
#include "kernel/ipc/wait_set.h"
#include "kernel/log/log_object.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/memory_object.h"
#include "kernel/object/dma_domain.h"
#include "kernel/object/io_region.h"
#include "kernel/object/lookup.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"
#include "kernel/trap/syscall_registers.h"
#include "kernel/trap/user_exit.h"

#include "abi/kernel_dispatch.inc"

namespace {

using namespace astrata;
using namespace astrata::kernel;

// The message calls have no row function: they work on the frame. Two of them do not come here at all. Nobody can
// change the table, so that there is no need to check what it holds (ASTRATA_CHECK_CALLS).
[[gnu::always_inline, clang::no_sanitize("kcfi")]] inline void run_row(Thread& caller, arch::TrapFrame& frame,
                                                                       SyscallRow const& row) {
    if (row.dispatch != nullptr) [[likely]]
        frame.status() = row.dispatch(caller, SyscallRegisters(frame));
    else
        reply_only(caller, frame);
}

// Numbers that are none, and, while they are recorded, all.
[[gnu::cold, gnu::noinline]] void dispatch_slowly(Thread& caller, arch::TrapFrame& frame) {
    auto const number = frame.number();
    std::span const table(syscall_table);
    trace::Call const traced(frame);
    if (number < table.size())
        run_row(caller, frame, table[number]);
    else
        frame.status() = static_cast<std::uint64_t>(Error::not_supported);
}

[[gnu::always_inline]] inline void dispatch(Thread& caller, arch::TrapFrame& frame) {
    auto const number = frame.number();
    if (number < trace::plain_call_limit.load(std::memory_order_relaxed)) [[likely]] {
#pragma clang unsafe_buffer_usage begin  // the limit is the table's size or 0
        run_row(caller, frame, syscall_table[number]);
#pragma clang unsafe_buffer_usage end
    } else {
        dispatch_slowly(caller, frame);
    }
}

}  // namespace

extern "C" void syscall_dispatch(arch::TrapFrame& frame) {
    auto& caller = arch::current_thread();
    ++caller.uncounted_system_calls;
    arch::enable_interrupts();
    dispatch(caller, frame);
    leave_to_user(frame);
}

// Interrupts are on, and stay on: one that finds something to settle settles it at its own end.
extern "C" void hosted_dispatch(arch::TrapFrame& frame) {
    auto& caller = arch::current_thread();
    ++caller.uncounted_system_calls;
    dispatch(caller, frame);
    leave_to_hosted(frame);
}

extern "C" void hosted_message_dispatch(arch::TrapFrame& frame) {
    auto& caller = arch::current_thread();
    ++caller.uncounted_system_calls;
    // Messages are read from and delivered to it; it lies wherever the stack is.
    caller.frame = &frame;
    {
        trace::Call const traced(frame);
        message_call_by_hosted(caller, frame);
    }
    leave_to_hosted(frame);
}
