// The row that linux.calls makes of each system call: how to run it and how to show it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "abi/types.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

class Task;

enum class ArgumentKind : std::uint8_t {
    none,
    fd,
    signed_word,
    word,
    octal,
    signed_long,
    unsigned_long,
    flags,
    signal,
    address,
    string,
    bytes_in,
    bytes_out
};
enum class ResultKind : std::uint8_t { zero, size, fd, pid, integer, address };

/// Runs the handler with arguments from the program's registers; returns what rax is to hold, a negative errno on failure.
using CallHandler = std::int64_t (*)(Task&, abi::RestrictedStateX86 const&);

struct CallRow {
    CallHandler handler = nullptr;   ///< null: always fails with `error`
    std::string_view name;           ///< empty: no such call
    Errno error = Errno::enosys;
    std::uint8_t argument_count = 0;
    ResultKind result = ResultKind::zero;
    std::array<ArgumentKind, 6> arguments = {};
};

/// All rows, by number.
[[nodiscard]] std::span<CallRow const> call_rows();

/// Runs system call `number`.
std::int64_t dispatch_call(Task& task, std::uint64_t number, abi::RestrictedStateX86 const& state);

}  // namespace astrata::linux_abi
