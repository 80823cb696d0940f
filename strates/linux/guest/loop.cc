#include "strates/linux/guest/loop.h"

#include <array>
#include <new>

#include "abi/system_calls.h"
#include "lib/base/units.h"
#include "lib/start/layout.h"
#include "linux_calls/table.h"
#include "sdk/thread.h"
#include "sdk/thread_context.h"
#include "strates/linux/guest/idle_threads.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/scheduling.h"
#include "strates/linux/signal/deliver.h"
#include "strates/linux/signal/vector_state.h"
#include "strates/linux/syscalls/call_table.h"

namespace astrata::linux_abi {

/// What a new thread needs to become a task's.
class GuestThread {
public:
    static void main(void* argument);

    Task* task = nullptr;
    FirstWork first_work = nullptr;
    void* argument = nullptr;

private:
    [[nodiscard]] ThreadLeft run(RestrictedState& state, Usage const& used) const;
    [[nodiscard]] static bool prepare(Task& task, RestrictedState& state);
    static void enter_until_end(Task& task);
    [[nodiscard]] static bool enter_one_by_one(std::uint64_t argument);
    [[nodiscard]] static bool make_ready_to_enter(Task& task);
    [[nodiscard]] static std::uint64_t handle_exit(std::uint64_t argument, std::uint64_t reason);
    [[nodiscard]] static std::uint64_t handle_other_exit(Task& task, abi::RestrictedExit reason);
};

namespace {

// The page that Bedrock keeps the program's registers in. It lies on the thread's stack, which costs no mapping of its
// own.
struct alignas(page_size) StatePage {
    RestrictedState state;
    std::array<std::byte, page_size - sizeof(RestrictedState)> rest;
};
static_assert(sizeof(StatePage) == page_size);

// Enough for shells that start one program after the other and for pools of threads that breathe. Each holds some 40
// KiB.
constexpr std::size_t idle_thread_limit = 4;
constinit IdleThreads<GuestThread, idle_thread_limit> idle_threads;

}  // namespace

// Once per system call. Budget: 25 instructions besides the handler (null_syscall of ./astrata bench): one table call,
// the result stored, one word looked at. Everything else waits behind that word, `work`; what only some calls need is
// done where they fail (fail_call). rt_sigreturn and execve, which replace the registers, answer with the result
// register among them.
std::uint64_t GuestThread::handle_exit(std::uint64_t argument, std::uint64_t reason) {
    auto& task = *reinterpret_cast<Task*>(argument);
    if (reason != static_cast<std::uint64_t>(abi::RestrictedExit::syscall)) [[unlikely]]
        return handle_other_exit(task, static_cast<abi::RestrictedExit>(reason));
    auto& state = task.state();
    task.system_call = call_number_of(state);
    if constexpr (result_replaces_argument)
        task.first_argument = call_argument<0>(state);
    call_result(state) =
        static_cast<std::uint64_t>(dispatch_call(*handlers_in_use.load(std::memory_order_relaxed), task, state));
    if (task.work.load(std::memory_order_relaxed) == 0) [[likely]]
        return 1;
    return make_ready_to_enter(task) ? 1 : 0;
}

[[gnu::noinline]] std::uint64_t GuestThread::handle_other_exit(Task& task, abi::RestrictedExit reason) {
    if (reason == abi::RestrictedExit::exception)
        deliver_exception(task);
    else
        task.system_call = Task::no_system_call;
    return make_ready_to_enter(task) ? 1 : 0;
}

// Whether the program goes on: until then, everything that is due before it does is done. Whoever sets `work` from now
// on also kicks the thread (Task::interrupt).
[[gnu::noinline]] bool GuestThread::make_ready_to_enter(Task& task) {
    while (task.work.load(std::memory_order_acquire) != 0) {
        if (!do_pending_work(task))
            return false;
        task.system_call = Task::no_system_call;
    }
    return true;
}

void GuestThread::enter_until_end(Task& task) {
    if (!make_ready_to_enter(task))
        return;
    auto const argument = reinterpret_cast<std::uint64_t>(&task);
    bool const was_entered =
        start::is_hosted_in_kernel(argument)
            ? sys::restricted_run(reinterpret_cast<std::uint64_t>(&handle_exit), argument).has_value()
            : enter_one_by_one(argument);
    // Only a thread that was never made ready cannot enter.
    if (!was_entered)
        begin_group_exit(task.process(), WaitStatus::killed(Signal::sigsegv, false));
}

bool GuestThread::enter_one_by_one(std::uint64_t argument) {
    for (;;) {
        auto const reason = sys::restricted_enter();
        if (!reason)
            return false;
        if (handle_exit(argument, static_cast<std::uint64_t>(*reason)) == 0)
            return true;
    }
}

bool GuestThread::prepare(Task& task, RestrictedState& state) {
    state = task.initial_state;
    task.state_ = &state;
    if (!sys::restricted_load_bases().has_value())
        return false;
    auto memory = task.share_memory();
    if (!memory)
        return true;  // a job's first task: execve brings it
    if (!sys::thread_set_space(memory->space()).has_value())
        return false;
    if (task.initial_vector_state != nullptr) {
        if (!load_vector_state(*task.initial_vector_state).has_value())
            return false;
        task.initial_vector_state.reset();
    }
    if (!task.child_tid_to_set.is_null())
        static_cast<void>(write_guest(task.child_tid_to_set, task.id()));  // as Linux: a bad address is ignored
    return true;
}

ThreadLeft GuestThread::run(RestrictedState& state, Usage const& used) const {
    sdk::thread_context().user = task;
    {
        Lock lock(process_table().mutex);
        task->thread = sdk::current_thread();
        task->parker.begin();
        task->thread_before = used;
        apply_inherited_scheduling(*task);
    }
    if (!prepare(*task, state))
        begin_group_exit(task->process(), WaitStatus::killed(Signal::sigkill, false));
    else if (first_work != nullptr)
        first_work(*task, argument);
    enter_until_end(*task);
    auto const left = finish_task(*task, task->own_status);
    sdk::thread_context().user = nullptr;
    return left;
}

void GuestThread::main(void* argument) {
    StatePage page;
    // Bedrock puts a page of its own there, with nothing in it. Without it the task cannot run, and ends.
    bool const is_bound = sys::thread_bind_restricted_state(reinterpret_cast<std::uint64_t>(&page.state)).has_value();
    ThreadLeft left;
    auto* next = static_cast<GuestThread*>(argument);
    do {
        auto const given = *next;
        delete next;
        if (!is_bound)
            begin_group_exit(given.task->process(), WaitStatus::killed(Signal::sigkill, false));
        left = given.run(page.state, left.used);
        next = is_bound && left.has_default_scheduling ? idle_threads.wait() : nullptr;
    } while (next != nullptr);
}

LinuxResult<> start_thread(Task& task, FirstWork work, void* argument) {
    auto* start = new (std::nothrow) GuestThread{.task = &task, .first_work = work, .argument = argument};
    if (start == nullptr)
        return fail(Errno::enomem);
    // From its first instruction on: under a real time parent it would not even begin with less.
    auto const priority = bedrock_priority(task.scheduling_policy, task.nice, task.scheduling_priority);
    if (priority == sdk::Thread::standard_priority && idle_threads.hand_over(*start))
        return {};
    constexpr std::uint64_t stack_bytes = 64 << 10;
    auto thread = sdk::Thread::spawn(GuestThread::main, start, task.name(), stack_bytes, priority);
    if (!thread.has_value()) {
        delete start;
        return fail(thread.error() == Error::no_resources ? Errno::eagain : to_errno(thread.error()));
    }
    return {};
}

LinuxResult<> start_thread(Task& task) {
    return start_thread(task, nullptr, nullptr);
}

}  // namespace astrata::linux_abi
