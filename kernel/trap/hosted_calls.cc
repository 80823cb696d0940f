// System calls that native code which is hosted in the kernel makes as function calls, without a frame: the two by
// which a personality's threads sleep and wake each other. Budget: 45 instructions beside the switch (futex_rt_thread
// and pipe_rt_proc watch them).
#include "abi/system_call_numbers.h"
#include "arch/cpu.h"
#include "arch/trap_frame.h"
#include "kernel/object/lookup.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"
#include "kernel/trap/user_exit.h"

extern "C" void hosted_dispatch(astrata::kernel::arch::TrapFrame& frame);  // syscall.cc

namespace {

using namespace astrata;
using namespace astrata::kernel;

// As any other call does it: what is recorded is recorded there.
[[gnu::cold, gnu::noinline]] std::uint64_t call_with_frame(std::uint64_t number, std::uint64_t argument) {
    arch::TrapFrame frame{};
    frame.number() = number;
    frame.argument(0) = argument;
    hosted_dispatch(frame);
    return frame.status();
}

[[gnu::cold, gnu::noinline]] void settle() {
    arch::TrapFrame frame{};
    leave_to_hosted(frame);
}

[[gnu::always_inline]] inline std::uint64_t leave(Result<> const& result) {
    if (arch::needs_reschedule() || arch::current_thread().has_pending()) [[unlikely]]
        settle();
    return result ? 0 : static_cast<std::uint64_t>(result.error());
}

}  // namespace

extern "C" std::uint64_t hosted_thread_park(std::uint64_t deadline) {
    if (trace::is_on(abi::TraceGroups::system_calls)) [[unlikely]]
        return call_with_frame(ASTRATA_SYSTEM_CALL_THREAD_PARK, deadline);
    auto& caller = arch::current_thread();
    ++caller.uncounted_system_calls;
    return leave(caller.wait_for_permit({deadline}));
}

extern "C" std::uint64_t hosted_thread_unpark(abi::Handle handle) {
    if (trace::is_on(abi::TraceGroups::system_calls)) [[unlikely]]
        return call_with_frame(ASTRATA_SYSTEM_CALL_THREAD_UNPARK, handle);
    auto& caller = arch::current_thread();
    ++caller.uncounted_system_calls;
    return leave(caller.process().handles().use(handle, kind_of<Thread>, abi::Rights::manage,
                                                [](KernelObject& thread) { static_cast<Thread&>(thread).permit(); }));
}
