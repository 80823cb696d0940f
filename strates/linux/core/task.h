// A Linux thread: one Bedrock thread of the personality that spends most of its time in restricted mode. It belongs to
// a Process (Linux's thread group) and holds references to what clone() can share.
//
// Unless stated otherwise a member belongs to the task's own thread; other threads look at it only as its comment says.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "abi/message.h"
#include "abi/types.h"
#include "lib/base/intrusive_list.h"
#include "lib/base/ref.h"
#include "sdk/thread_context.h"
#include "strates/linux/core/credentials.h"
#include "strates/linux/core/guest_memory.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/core/registers.h"
#include "strates/linux/core/wait.h"
#include "strates/linux/process/usage.h"
#include "strates/linux/process/wait_status.h"
#include "strates/linux/signal/pending.h"
#include "strates/linux/signal/signal.h"

namespace astrata::linux_abi {

struct ContendedLock;     // futex/
class FileSystemContext;  // root, working directory, umask: vfs/
class FileTable;          // file/
class Memory;             // memory/
class Process;            // process/

using ProcessId = std::uint32_t;

/// The FPU and vector state of a program as Bedrock has it.
struct VectorState {
    alignas(64) std::array<std::byte, machine::vector_state_limit> bytes;
    std::size_t size = 0;
};

/// Reasons for a task to look up before it goes on with its program, or out of a sleep. Set by any thread.
namespace task_work {
inline constexpr std::uint32_t signal = 1;        ///< a signal may be pending
inline constexpr std::uint32_t exit = 2;          ///< the task is to end (exit_group, exec of a sibling, fatal signal)
inline constexpr std::uint32_t stop = 4;          ///< the process is stopped
inline constexpr std::uint32_t restore_mask = 8;  ///< rt_sigsuspend, ppoll...: the saved mask comes back
inline constexpr std::uint32_t continued = 16;    ///< leaves the stop
inline constexpr std::uint32_t failed_copy =
    32;  ///< a copy to or from the program's memory failed, at `failed_copy_address`
}  // namespace task_work

/// The state letters of /proc/PID/stat.
enum class TaskState : char {
    running = 'R',
    sleeping = 'S',
    uninterruptible = 'D',
    stopped = 'T',
    zombie = 'Z',
    dead = 'X'
};

/// sigaltstack(2).
struct AlternateStack {
    std::uint64_t base = 0;
    std::int32_t flags = 2;  // SS_DISABLE
    std::uint64_t size = 0;
};

/// A wait that restart_syscall continues.
struct RestartBlock {
    enum class Kind : std::uint8_t { none, nanosleep, futex, poll } kind = Kind::none;
    std::uint32_t clock = 0;
    MonotonicNs deadline;
    GuestAddress remaining;
    std::array<std::uint64_t, 4> arguments = {};
};

class Task : public RefCounted<Task> {
public:
    static void destroy(Task* task);

    /// A task of `process`, which it keeps alive. Its thread does not run yet and no table knows it.
    /// errors    enomem
    static LinuxResult<Ref<Task>> create(ProcessId id, Process& process);

    // ---- Who it is; fixed ----
    [[nodiscard]] ProcessId id() const { return id_; }
    [[nodiscard]] Process& process() const { return process_; }

    // ---- What it uses. Own thread only; procfs uses the `share_` forms under the process table's lock. ----
    [[nodiscard]] FileTable& files() const { return *files_; }
    [[nodiscard]] FileSystemContext& fs() const { return *fs_; }
    [[nodiscard]] Memory& memory() const { return *memory_; }
    [[nodiscard]] Credentials const& credentials() const { return *credentials_; }

    [[nodiscard]] RefOrNull<FileTable> share_files() const;
    [[nodiscard]] RefOrNull<FileSystemContext> share_fs() const;
    [[nodiscard]] RefOrNull<Memory> share_memory() const;
    [[nodiscard]] RefOrNull<Credentials> share_credentials() const;

    void set_files(RefOrNull<FileTable> files);
    void set_fs(RefOrNull<FileSystemContext> fs);
    void set_memory(RefOrNull<Memory> memory);
    void set_credentials(Ref<Credentials> credentials);
    /// execve of a thread that does not lead its process: it takes the leader's id over, under the process table's
    /// lock.
    void take_over_id(ProcessId id) { id_ = id; }

    /// The name that ps shows (TASK_COMM_LEN, NUL padded).
    [[nodiscard]] std::string_view name() const { return {name_.data(), name_length_}; }
    void set_name(std::string_view name);

    // ---- Registers of the program while our code runs ----
    [[nodiscard]] RestrictedState& state() const { return *state_; }
    /// What the program's registers and vector state begin with; consumed when the thread starts.
    RestrictedState initial_state = {};
    std::unique_ptr<VectorState> initial_vector_state;  ///< null: the machine's initial state
    GuestAddress child_tid_to_set;  ///< CLONE_CHILD_SETTID: written by the new thread, in its own memory

    // ---- Signals ----
    /// Written by the own thread; read by senders.
    [[nodiscard]] SignalSet blocked() const { return {blocked_.load(std::memory_order_acquire)}; }
    /// Also looks again at what is pending.
    void set_blocked(SignalSet set);
    PendingSignals pending;    ///< guarded by process().signal_mutex
    SignalSet saved_mask;      ///< comes back when task_work::restore_mask is seen
    SignalSet awaited;         ///< rt_sigtimedwait waits for these though they are blocked; under signal_mutex
    bool is_stop_due = false;  ///< took a stop signal that no SIGCONT has undone since; under signal_mutex
    AlternateStack alternate_stack;
    RestartBlock restart;
    std::uint64_t system_call = no_system_call;  ///< number of the call in progress
    static constexpr std::uint64_t no_system_call = ~std::uint64_t{0};
    std::uint64_t first_argument = 0;  ///< of that call, where its result takes the register
    /// Of the last exception, for signal frames.
    std::uint64_t fault_vector = 0, fault_error = 0, fault_address = 0;
    std::uint64_t failed_copy_address = 0;  ///< what a system call could not reach; with task_work::failed_copy
    bool failed_copy_was_write = false;
    std::uint64_t repeated_copy_address = 0;  ///< where a call was begun again for that, so that it is not for ever
    /// For kicks and times, from when the thread begins until it has ended; then it may serve another task. Written by
    /// the thread itself, under the process table's lock.
    abi::Handle thread = 0;
    Usage thread_before;  ///< what the thread had used before it was this task's

    // ---- Waking and interrupting, from any thread ----
    std::atomic<std::uint32_t> work = 0;  ///< task_work bits
    std::atomic<TaskState> run_state = TaskState::running;
    Parker parker;
    /// Sets `bits` and makes the task see them soon: out of an interruptible sleep, or out of its program.
    void interrupt(std::uint32_t bits);
    [[nodiscard]] bool is_dying() const { return (work.load(std::memory_order_acquire) & task_work::exit) != 0; }

    // ---- Threads (set_tid_address, set_robust_list, CLONE_*) ----
    WaitStatus own_status;  ///< by exit(2) of this thread alone
    GuestAddress clear_child_tid;
    GuestAddress robust_list;
    Process* vfork_parent_waits = nullptr;  ///< this task's process borrows that one's memory; holds a reference
    /// Of locks that lend priority; guarded by the mutex in futex/priority_lock.cc, but for `lent`, which readers may
    /// miss a change of.
    struct {
        ContendedLock* awaited = nullptr;
        std::uint32_t lent = 0;  ///< Bedrock's scale; 0: nothing
        bool has_ended = false;  ///< it owns no more locks
    } lending;
    std::int32_t parent_death_signal = 0;
    bool no_new_privileges = false;
    std::uint32_t scheduling_policy = 0;  ///< SCHED_OTHER...; read by procfs
    std::int32_t scheduling_priority = 0;
    std::int32_t nice = 0;
    std::uint64_t cpu_mask = ~std::uint64_t{0};
    std::uint64_t start_ns = 0;  ///< monotonic

    ListLink<Task> process_link;  ///< process().tasks
    ListLink<Task> table_link;    ///< ProcessTable, by id

private:
    friend class GuestThread;  // binds state_
    explicit Task(ProcessId id, Process& process);
    ~Task();

    ProcessId id_;
    Process& process_;  // the process outlives its tasks: each holds a reference, dropped in destroy()
    RefOrNull<FileTable> files_;
    RefOrNull<FileSystemContext> fs_;
    RefOrNull<Memory> memory_;
    RefOrNull<Credentials> credentials_;
    RestrictedState* state_ = nullptr;
    std::atomic<std::uint64_t> blocked_ = 0;
    std::array<char, 16> name_ = {};
    std::uint8_t name_length_ = 0;
};

/// The task whose thread this is. Only on threads that run programs, not on the personality's service threads.
[[nodiscard]] inline Task& current_task() {
    return *static_cast<Task*>(sdk::thread_context().user);
}
/// Null on service threads.
[[nodiscard]] Task* current_task_or_null();

}  // namespace astrata::linux_abi
