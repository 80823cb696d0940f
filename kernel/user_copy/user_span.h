// Pieces of user memory as system calls name them.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::kernel {

/// User memory to read from. Nothing is known of it until it is copied.
struct UserBytesIn {
    VirtAddr address;
    std::uint64_t length = 0;  ///< bytes

    /// `count` bytes from `offset` on; the caller stays within the length.
    [[nodiscard]] constexpr UserBytesIn part(std::uint64_t offset, std::uint64_t count) const {
        return {address + offset, count};
    }
};

/// User memory to write to.
struct UserBytesOut {
    VirtAddr address;
    std::uint64_t length = 0;  ///< bytes

    [[nodiscard]] constexpr UserBytesOut part(std::uint64_t offset, std::uint64_t count) const {
        return {address + offset, count};
    }
};

/// Fills `into` from user memory of the current address spaces (home and, for guest addresses, the thread's guest
/// space). errors    bad_address (outside the user half, `from` shorter than `into`, or not readable; part of `into`
/// may be written) context   may block (demand paging): no spin locks held
[[nodiscard]] Result<> copy_in(MutableBytes into, UserBytesIn from);
/// Writes all of `from` to user memory.
/// errors    bad_address (outside the user half, `into` shorter than `from`, or not writable; part may be written)
/// context   may block
[[nodiscard]] Result<> copy_out(UserBytesOut into, Bytes from);

/// A struct that a system call fills in for its caller.
template <typename T>
    requires std::is_trivially_copyable_v<T>
struct UserOut {
    VirtAddr address;

    /// errors    bad_address
    [[nodiscard]] Result<> write(T const& value) const {
        return copy_out({address, sizeof(T)}, std::as_bytes(std::span(&value, 1)));
    }
};

/// If the instruction at `instruction` belongs to a copy loop: where the loop goes on after a fault that nobody
/// resolved. For the trap handler.
[[nodiscard]] bool find_recovery(std::uint64_t instruction, std::uint64_t& recovery);

}  // namespace astrata::kernel
