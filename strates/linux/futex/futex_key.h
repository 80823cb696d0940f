// Which word a futex call means.
#pragma once

#include <cstdint>

#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"

namespace astrata::linux_abi {

/// An address of one program's memory, or a place in an object that several map.
struct FutexKey {
    std::uint64_t space = 0;
    std::uint64_t offset = 0;
    bool operator==(FutexKey const&) const = default;
};

/// Of the calling task's program.
/// errors    einval (misaligned), efault
LinuxResult<FutexKey> futex_key(GuestAddress word, bool is_private);

}  // namespace astrata::linux_abi
