// Making tasks and processes: clone, fork, vfork, clone3 (clone(2)).
#pragma once

#include <cstdint>

#include "strates/linux/process/process_table.h"

namespace astrata::linux_abi {

/// CLONE_* flags.
namespace clone_flag {
inline constexpr std::uint64_t exit_signal_mask = 0xff;
inline constexpr std::uint64_t vm = 0x100;
inline constexpr std::uint64_t fs = 0x200;
inline constexpr std::uint64_t files = 0x400;
inline constexpr std::uint64_t signal_handlers = 0x800;
inline constexpr std::uint64_t pidfd = 0x1000;
inline constexpr std::uint64_t vfork = 0x4000;
inline constexpr std::uint64_t parent = 0x8000;
inline constexpr std::uint64_t thread = 0x1'0000;
inline constexpr std::uint64_t system_v_semaphores = 0x4'0000;
inline constexpr std::uint64_t set_tls = 0x8'0000;
inline constexpr std::uint64_t parent_set_tid = 0x10'0000;
inline constexpr std::uint64_t child_clear_tid = 0x20'0000;
inline constexpr std::uint64_t child_set_tid = 0x100'0000;
/// NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: a silo is the namespace here.
inline constexpr std::uint64_t namespaces = 0x7e02'0000;
inline constexpr std::uint64_t clear_handlers = 0x1'0000'0000;
inline constexpr std::uint64_t into_control_group = 0x2'0000'0000;
}  // namespace clone_flag

struct CloneRequest {
    std::uint64_t flags = 0;         ///< without the exit signal
    std::uint64_t exit_signal = 0;
    std::uint64_t stack = 0;         ///< initial stack pointer; 0 keeps the parent's
    std::uint64_t tls = 0;
    GuestAddress parent_tid;
    GuestAddress child_tid;
};

/// A copy of the calling task as `request` says; returns its id. With CLONE_VFORK, after the child let go of the memory.
/// errors    einval (contradictory or unsupported flags), eagain (limits), enomem
[[nodiscard]] LinuxResult<ProcessId> clone_task(Task& task, CloneRequest const& request);

/// A new process with one task, child of init, in a session of its own, without files, memory or program; in the tables,
/// not started. For jobs.
[[nodiscard]] LinuxResult<Ref<Task>> create_first_task(Ref<Credentials> credentials);

/// Takes back what clone_task or create_first_task entered, for a task whose thread was never started.
void discard_task(Task& task);

}  // namespace astrata::linux_abi
