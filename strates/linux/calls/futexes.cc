// futex, robust lists, restart_syscall.
#include <algorithm>

#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "strates/linux/calls/restart.h"
#include "strates/linux/core/task.h"
#include "strates/linux/futex/futex.h"
#include "strates/linux/futex/priority_lock.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/time/linux_time.h"

namespace astrata::linux_abi {
namespace {

enum FutexCommand : std::uint32_t {
    wait_command = 0,
    wake_command = 1,
    requeue_command = 3,
    compare_requeue_command = 4,
    wake_operation_command = 5,
    lock_priority_command = 6,
    unlock_priority_command = 7,
    try_lock_priority_command = 8,
    wait_bits_command = 9,
    wake_bits_command = 10,
    lock_priority_on_clock_command = 13,
};
constexpr std::uint32_t private_flag = 128;
constexpr std::uint32_t real_time_flag = 256;
constexpr std::uint32_t command_mask = 127;

// Absolute, on one of two clocks.
LinuxResult<MonotonicNs> read_deadline(GuestAddress timeout, bool is_real_time_clock) {
    if (timeout.is_null())
        return never;
    auto const time = LTRY(read_guest<LinuxTimespec>(timeout));
    return deadline_on(is_real_time_clock ? clock_id::realtime : clock_id::monotonic, LTRY(to_nanoseconds(time)));
}

LinuxResult<std::uint64_t> wait_and_note_restart(Task& task, GuestAddress word, std::uint32_t value, std::uint32_t bits,
                                                 bool is_private, MonotonicNs deadline) {
    auto waited = wait_futex(word, value, bits, is_private, deadline);
    if (waited.has_value())
        return 0;
    // A relative timeout must not begin anew; without one the call is simply repeated.
    if (waited.error() == Errno::erestartsys && deadline != never) {
        task.restart = {.kind = RestartBlock::Kind::futex,
                        .deadline = deadline,
                        .arguments = {word.value, value, bits, is_private ? 1u : 0u}};
        return fail(Errno::erestart_restartblock);
    }
    return fail(waited.error());
}

}  // namespace

LinuxResult<> resume_futex_wait(Task& task) {
    auto const& saved = task.restart;
    LTRY(wait_and_note_restart(task, {saved.arguments[0]}, static_cast<std::uint32_t>(saved.arguments[1]),
                               static_cast<std::uint32_t>(saved.arguments[2]), saved.arguments[3] != 0,
                               saved.deadline));
    return {};
}

namespace {

[[gnu::noinline]] LinuxResult<std::uint64_t> other_futex_call(Task& task, GuestAddress word, std::uint32_t flags, std::uint32_t value,
                                                              std::uint64_t timeout, GuestAddress word2, std::uint32_t value3) {
    bool const is_private = (flags & private_flag) != 0;
    auto second_count = static_cast<std::uint32_t>(timeout);  // the same register holds a number for the other commands
    switch (flags & command_mask) {
    case wait_command: {
        auto deadline = LTRY(read_timeout({timeout}));
        return wait_and_note_restart(task, word, value, ~0u, is_private, deadline);
    }
    case wait_bits_command: {
        auto const deadline = LTRY(read_deadline({timeout}, (flags & real_time_flag) != 0));
        // An absolute deadline survives repetition.
        LTRY(wait_futex(word, value, value3, is_private, deadline));
        return 0;
    }
    case wake_bits_command: return wake_futex(word, value, value3, !is_private);
    case requeue_command: return LTRY(requeue_futex(word, word2, value, second_count, nullptr, is_private));
    case compare_requeue_command: return LTRY(requeue_futex(word, word2, value, second_count, &value3, is_private));
    case wake_operation_command:
        return LTRY(wake_and_change_futex(word, word2, value, second_count, value3, is_private));
    case lock_priority_command:
        LTRY(lock_priority_futex(word, is_private, LTRY(read_deadline({timeout}, true))));
        return 0;
    case lock_priority_on_clock_command:
        LTRY(lock_priority_futex(word, is_private, LTRY(read_deadline({timeout}, (flags & real_time_flag) != 0))));
        return 0;
    case try_lock_priority_command: LTRY(try_lock_priority_futex(word, is_private)); return 0;
    case unlock_priority_command: LTRY(unlock_priority_futex(word, is_private)); return 0;
    default: return fail(Errno::enosys);
    }
}

}  // namespace

LinuxResult<std::uint64_t> sys_futex(Task& task, GuestAddress word, std::uint64_t operation, std::uint32_t value,
                                     std::uint64_t timeout, GuestAddress word2, std::uint32_t value3) {
    auto const flags = static_cast<std::uint32_t>(operation);
    if ((flags & command_mask) == wake_command) [[likely]]
        return wake_futex(word, value, ~0u, (flags & private_flag) == 0);
    return other_futex_call(task, word, flags, value, timeout, word2, value3);
}

// poll(2) saved its file array, its length and when it has to end.
LinuxResult<std::uint64_t> resume_poll(Task& task) {
    auto const& saved = task.restart;
    auto now = sys::clock_now();
    auto left_ms = saved.deadline > now ? (saved.deadline.value - now.value + 999'999) / 1'000'000 : 0;
    return sys_poll(task, {saved.arguments[0]}, static_cast<std::uint32_t>(saved.arguments[1]),
                    static_cast<std::int32_t>(std::min<std::uint64_t>(left_ms, 0x7fff'ffff)));
}

LinuxResult<std::uint64_t> sys_restart_syscall(Task& task) {
    switch (task.restart.kind) {
    case RestartBlock::Kind::nanosleep: LTRY(resume_sleep(task)); return 0;
    case RestartBlock::Kind::futex: LTRY(resume_futex_wait(task)); return 0;
    case RestartBlock::Kind::poll: return resume_poll(task);
    case RestartBlock::Kind::none: break;
    }
    return fail(Errno::eintr);
}

LinuxResult<std::uint64_t> sys_set_robust_list(Task& task, GuestAddress head, std::uint64_t length) {
    constexpr std::uint64_t head_size = 24;
    if (length != head_size)
        return fail(Errno::einval);
    task.robust_list = head;
    return 0;
}

LinuxResult<std::uint64_t> sys_get_robust_list(Task& task, std::int32_t pid, GuestAddress head, GuestAddress length) {
    auto list = task.robust_list;
    if (pid != 0 && static_cast<ProcessId>(pid) != task.id()) {
        Lock lock(process_table().mutex);
        auto* other = pid > 0 ? process_table().find_task(static_cast<ProcessId>(pid)) : nullptr;
        if (other == nullptr)
            return fail(Errno::esrch);
        if (&other->process() != &task.process())
            return fail(Errno::eperm);
        list = other->robust_list;
    }
    LTRY(write_guest(length, std::uint64_t{24}));
    LTRY(write_guest(head, list.value));
    return 0;
}

}  // namespace astrata::linux_abi
