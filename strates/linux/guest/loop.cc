#include "strates/linux/guest/loop.h"

#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "sdk/thread.h"
#include "sdk/thread_context.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/signal/deliver.h"
#include "strates/linux/syscalls/call_table.h"
#include "strates/linux/syscalls/trace.h"

namespace astrata::linux_abi {

/// What a new thread needs to become a task's.
class GuestThread {
public:
    static void run(Task& task);

    Task* task = nullptr;
    FirstWork first_work = nullptr;
    void* argument = nullptr;

private:
    [[nodiscard]] static bool prepare(Task& task, abi::RestrictedStateX86& state);
    static void enter_until_end(Task& task);
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

void GuestThread::enter_until_end(Task& task) {
    for (;;) {
        // Announced before the last look at `work`; see Task::interrupt.
        task.is_in_guest.store(true, std::memory_order_seq_cst);
        if (task.work.load(std::memory_order_seq_cst) != 0) [[unlikely]] {
            task.is_in_guest.store(false, std::memory_order_relaxed);
            if (!do_pending_work(task))
                return;
            task.system_call = Task::no_system_call;
            continue;
        }
        auto reason = sys::restricted_enter();
        task.is_in_guest.store(false, std::memory_order_relaxed);
        if (!reason.has_value()) [[unlikely]] {
            // Registers that cannot be loaded (a non-canonical rip by rt_sigreturn): the program's fault.
            begin_group_exit(task.process(), WaitStatus::killed(Signal::sigsegv, false));
            return;
        }
        switch (*reason) {
        [[likely]] case abi::RestrictedExit::syscall:
            handle_call(task);
            break;
        case abi::RestrictedExit::exception: deliver_exception(task); break;
        case abi::RestrictedExit::kick: task.system_call = Task::no_system_call; break;
        }
    }
}

bool GuestThread::prepare(Task& task, abi::RestrictedStateX86& state) {
    state = task.initial_state;
    task.state_ = &state;
    if (!sys::thread_bind_restricted_state(reinterpret_cast<std::uint64_t>(&state)).has_value() ||
        !sys::thread_set_space(task.memory().space()).has_value())
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

void GuestThread::run(Task& task) {
    enter_until_end(task);
    finish_task(task, task.own_status);
}

namespace {

void thread_main(void* argument) {
    auto* start = static_cast<GuestThread*>(argument);
    auto given = *start;
    delete start;
    Task& task = *given.task;
    sdk::thread_context().user = &task;
    StatePage page;
    bool is_ready = GuestThread::prepare(task, page.state);
    if (!is_ready)
        begin_group_exit(task.process(), WaitStatus::killed(Signal::sigkill, false));
    else if (given.first_work != nullptr)
        given.first_work(task, given.argument);
    GuestThread::run(task);
    sdk::thread_context().user = nullptr;
}

}  // namespace

}  // namespace astrata::linux_abi
