// Futexes: sleeping until a word of memory changes (futex(2)).
#pragma once

#include <cstdint>

#include "lib/base/units.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"

namespace astrata::linux_abi {

/// Sleeps while the word equals `expected`, until a wake-up whose bits meet `bits`.
/// errors    eagain (the word differs), etimedout, erestartsys, efault, einval (misaligned)
[[nodiscard]] LinuxResult<> wait_futex(GuestAddress word, std::uint32_t expected, std::uint32_t bits, bool is_private,
                                       MonotonicNs deadline);

/// Wakes up to `count` sleepers; returns how many. `may_be_shared`: not known to be private to the program.
LinuxResult<std::uint64_t> wake_futex(GuestAddress word, std::uint32_t count, std::uint32_t bits, bool may_be_shared);

/// Wakes up to `wake_count` and moves up to `move_count` others to `target`; with `expected`, only if the word has that
/// value.
/// returns   how many were woken or moved
/// errors    eagain, efault, einval
LinuxResult<std::uint32_t> requeue_futex(GuestAddress word, GuestAddress target, std::uint32_t wake_count,
                                         std::uint32_t move_count, std::uint32_t const* expected, bool is_private);

/// FUTEX_WAKE_OP: changes `target` as `operation` says, wakes on `word`, and on `target` if its old value meets the
/// condition.
/// errors    efault, einval, enosys (unknown operation)
LinuxResult<std::uint32_t> wake_and_change_futex(GuestAddress word, GuestAddress target, std::uint32_t wake_count,
                                                 std::uint32_t target_wake_count, std::uint32_t operation,
                                                 bool is_private);

}  // namespace astrata::linux_abi
