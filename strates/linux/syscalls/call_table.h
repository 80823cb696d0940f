// The row that linux.calls makes of each system call: how to run it and how to show it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "linux_calls/table.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/registers.h"

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

/// Runs the handler with arguments from the program's registers; returns the call's result, a negative errno on failure.
using CallHandler = std::int64_t (*)(Task&, RestrictedState const&);

struct CallRow {
    bool has_handler = false;  ///< otherwise it always fails with `error`
    std::string_view name;     ///< empty: no such call
    Errno error = Errno::enosys;
    std::uint8_t argument_count = 0;
    ResultKind result = ResultKind::zero;
    std::array<ArgumentKind, 6> arguments = {};
};

/// All rows, by number.
[[nodiscard]] std::span<CallRow const> call_rows();

/// By number; the last one, and that of every call without a handler, refuses. Apart from the rows, whose other facts no call needs.
using CallHandlers = std::array<CallHandler, call_table_size + 1>;
extern CallHandlers const call_handlers;
/// What calls go through: call_handlers, or a table of detours while calls are traced, so that tracing costs nothing while it is off.
extern std::atomic<CallHandlers const*> handlers_in_use;

/// Runs the system call that the registers ask for.
inline std::int64_t dispatch_call(CallHandlers const& handlers, Task& task, RestrictedState const& state) {
    auto const number = call_number_of(state);
    return handlers[number < call_table_size ? number : call_table_size](task, state);
}

}  // namespace astrata::linux_abi
