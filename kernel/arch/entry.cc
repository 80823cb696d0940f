// What the entry code of every machine calls, and no other code does.
#include "arch/cpu.h"
#include "arch/trap_frame.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/trap/user_exit.h"

// The first thing that a new thread does, interrupts off.
extern "C" [[noreturn]] void thread_first_run(void (*function)(void*), void* argument) {
    using namespace astrata::kernel;
    sched::finish_switch();
    arch::enable_interrupts();
    function(argument);
    arch::current_thread().end();
}

// Between two runs of foreign code in loop_restricted, interrupts off, when something is pending: nonzero if a kick
// ends the next run before it begins.
extern "C" std::uint32_t settle_restricted_loop() {
    using namespace astrata::kernel;
    auto& thread = arch::current_thread();
    arch::TrapFrame frame{};
    settle_before_user_mode(frame);  // ends a killed thread
    if (!thread.is_kick_pending())
        return 0;
    thread.take_kick();
    return 1;
}
