// The argument and environment strings of a program to be started, copied out of its maker's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/containers/vector.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"

namespace astrata::linux_abi {

/// Strings in one buffer, each with its NUL, in order.
class ProgramStrings {
public:
    /// MAX_ARG_STRLEN: the longest single string, NUL included.
    static constexpr std::size_t string_limit = 32 * 4096;

    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::string_view packed() const { return {bytes_.span().data(), bytes_.size()}; }
    /// The first string, without NUL; empty if there is none.
    [[nodiscard]] std::string_view first() const;

    /// errors    enomem, e2big (more than `limit` bytes in all, pointers counted, or the string is too long)
    [[nodiscard]] LinuxResult<> append(std::string_view text, std::uint64_t limit);
    /// Puts a string in front, or in place of the first one.
    [[nodiscard]] LinuxResult<> prepend(std::string_view text, std::uint64_t limit);
    void remove_first();
    /// Appends the strings of a NULL-terminated vector of pointers; a null vector is an empty one.
    /// errors    efault, enomem, e2big
    [[nodiscard]] LinuxResult<> append_from_guest(GuestAddress vector, std::uint64_t limit);

private:
    [[nodiscard]] LinuxResult<> check(std::size_t additional, std::uint64_t limit) const;
    Vector<char> bytes_;
    std::size_t count_ = 0;
};

}  // namespace astrata::linux_abi
