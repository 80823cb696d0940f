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
#include "kernel/trap/user_exit.h"

#include "abi/kernel_dispatch.inc"

extern "C" void syscall_dispatch(astrata::kernel::arch::TrapFrame& frame) {
    using namespace astrata;
    using namespace astrata::kernel;
    auto& caller = arch::current_thread();
    ++arch::this_cpu().system_calls;
    arch::enable_interrupts();
    auto const number = frame.rax;
    switch (number) {
    case ASTRATA_SYSTEM_CALL_ENDPOINT_CALL: call_endpoint(caller, frame); break;
    case ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT: reply_and_wait(caller, frame); break;
    case ASTRATA_SYSTEM_CALL_ENDPOINT_REPLY: reply_only(caller, frame); break;
    default: {
        std::span const table(syscall_table);
        if (number >= table.size()) [[unlikely]] {
            frame.rax = static_cast<std::uint64_t>(Error::not_supported);
            break;
        }
        std::uint64_t const raw[6] = {frame.rdi, frame.rsi, frame.rdx, frame.r10(), frame.r8(), frame.r9()};
        auto const result = table[number].dispatch(caller, raw);
        frame.rax = result.status;
        frame.rdx = result.value0;
        frame.rdi = result.value1;
        frame.rsi = result.value2;
    }
    }
    leave_to_user(frame);
}
