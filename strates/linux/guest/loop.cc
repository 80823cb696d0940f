#include "strates/linux/guest/loop.h"

#include <array>
#include <new>

#include "abi/system_calls.h"
#include "lib/base/units.h"
#include "lib/start/layout.h"
#include "linux_calls/table.h"
#include "sdk/thread.h"
#include "sdk/thread_context.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/scheduling.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/signal/deliver.h"
#include "strates/linux/syscalls/call_table.h"
#include "strates/linux/syscalls/trace.h"

namespace astrata::linux_abi {

/// What a new thread needs to become a task's.
class GuestThread {
public:
    static void main(void* argument);

    Task* task = nullptr;
    FirstWork first_work = nullptr;
    void* argument = nullptr;

private:
    [[nodiscard]] static bool prepare(Task& task, abi::RestrictedStateX86& state);
    static void enter_until_end(Task& task);
    [[nodiscard]] static bool enter_one_by_one(std::uint64_t argument);
    [[nodiscard]] static bool make_ready_to_enter(Task& task);
    [[nodiscard]] static std::uint64_t handle_exit(std::uint64_t argument, std::uint64_t reason);
    static void handle_call(Task& task);
};

namespace {

// The page that Bedrock keeps the program's registers in. It lies on the thread's stack, which costs no mapping of its own.
struct alignas(page_size) StatePage {
    abi::RestrictedStateX86 state;
    std::array<std::byte, page_size - sizeof(abi::RestrictedStateX86)> rest;
};
static_assert(sizeof(StatePage) == page_size);

}  // namespace

// Once per system call: everything else waits behind the one word `work`.
void GuestThread::handle_call(Task& task) {
    auto& state = task.state();
    auto number = state.rax;
    task.system_call = number;
    if (is_tracing()) [[unlikely]]
        trace_entry(task, number);
    auto result = dispatch_call(task, number, state);
    // rt_sigreturn has replaced all registers; its result is the rax among them.
    if (task.system_call != Task::no_system_call) [[likely]]
        state.rax = static_cast<std::uint64_t>(result);
    // An interrupted call whose signal somebody else took meanwhile has to be repeated all the same.
    if (result <= -static_cast<std::int64_t>(Errno::erestartsys) &&
        result >= -static_cast<std::int64_t>(Errno::erestart_restartblock)) [[unlikely]]
        task.work.fetch_or(task_work::signal, std::memory_order_relaxed);
    if (is_tracing()) [[unlikely]]
        trace_exit(task, number, result);
}

// Whether the program goes on: until then, everything that is due before it does is done.
bool GuestThread::make_ready_to_enter(Task& task) {
    for (;;) {
        // Announced before the last look at `work`; see Task::interrupt.
        task.is_in_guest.store(true, std::memory_order_seq_cst);
        if (task.work.load(std::memory_order_seq_cst) == 0) [[likely]]
            return true;
        task.is_in_guest.store(false, std::memory_order_relaxed);
        if (!do_pending_work(task))
            return false;
        task.system_call = Task::no_system_call;
    }
}

std::uint64_t GuestThread::handle_exit(std::uint64_t argument, std::uint64_t reason) {
    auto& task = *reinterpret_cast<Task*>(argument);
    task.is_in_guest.store(false, std::memory_order_relaxed);
    switch (static_cast<abi::RestrictedExit>(reason)) {
    [[likely]] case abi::RestrictedExit::syscall:
        handle_call(task);
        break;
    case abi::RestrictedExit::exception: deliver_exception(task); break;
    case abi::RestrictedExit::kick: task.system_call = Task::no_system_call; break;
    }
    return make_ready_to_enter(task) ? 1 : 0;
}

void GuestThread::enter_until_end(Task& task) {
    if (!make_ready_to_enter(task))
        return;
    auto const argument = reinterpret_cast<std::uint64_t>(&task);
    bool const was_entered = start::is_hosted_in_kernel(argument)
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

bool GuestThread::prepare(Task& task, abi::RestrictedStateX86& state) {
    // Bedrock puts a page of its own there, with nothing in it.
    if (!sys::thread_bind_restricted_state(reinterpret_cast<std::uint64_t>(&state)).has_value())
        return false;
    state = task.initial_state;
    task.state_ = &state;
    if (!sys::restricted_load_bases().has_value())
        return false;
    auto memory = task.share_memory();
    if (!memory)
        return true;   // a job's first task: execve brings it
    if (!sys::thread_set_space(memory->space()).has_value())
        return false;
    if (task.initial_vector_state != nullptr) {
        auto saved = std::span(task.initial_vector_state->bytes).first(task.initial_vector_state->size);
        if (!sys::restricted_load_vector_state(saved).has_value())
            return false;
        task.initial_vector_state.reset();
    }
    if (!task.child_tid_to_set.is_null())
        static_cast<void>(write_guest(task.child_tid_to_set, task.id()));   // as Linux: a bad address is ignored
    return true;
}

void GuestThread::main(void* argument) {
    auto* start = static_cast<GuestThread*>(argument);
    auto given = *start;
    delete start;
    Task& task = *given.task;
    sdk::thread_context().user = &task;
    {
        Lock lock(process_table().mutex);
        task.thread = sdk::current_thread();
        apply_inherited_scheduling(task);
    }
    StatePage page;
    if (!prepare(task, page.state))
        begin_group_exit(task.process(), WaitStatus::killed(Signal::sigkill, false));
    else if (given.first_work != nullptr)
        given.first_work(task, given.argument);
    enter_until_end(task);
    finish_task(task, task.own_status);
    sdk::thread_context().user = nullptr;
}

LinuxResult<> start_thread(Task& task, FirstWork work, void* argument) {
    auto* start = new (std::nothrow) GuestThread{.task = &task, .first_work = work, .argument = argument};
    if (start == nullptr)
        return fail(Errno::enomem);
    constexpr std::uint64_t stack_bytes = 64 << 10;
    auto thread = sdk::Thread::spawn(GuestThread::main, start, task.name(), stack_bytes);
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
