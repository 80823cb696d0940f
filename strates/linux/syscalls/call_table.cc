#include "strates/linux/syscalls/call_table.h"

#include "linux_calls/table.h"
#include "strates/linux/core/task.h"
#include "strates/linux/syscalls/trace.h"

namespace astrata::linux_abi {

static inline std::int64_t finish(LinuxResult<std::uint64_t> result) {
    if (result.has_value()) [[likely]]
        return static_cast<std::int64_t>(*result);
    return -static_cast<std::int64_t>(result.error());
}

#include "linux_calls/table.inc"

std::span<CallRow const> call_rows() {
    return rows;
}

namespace {

// Calls without handler, off the short path.
[[gnu::noinline]] std::int64_t refuse_call(Task& task, std::uint64_t number) {
    auto error = number < rows.size() ? rows[number].error : Errno::enosys;
    if (error == Errno::enosys)
        trace_unknown(task, number);
    return -static_cast<std::int64_t>(error);
}

}  // namespace

std::int64_t dispatch_call(Task& task, std::uint64_t number, abi::RestrictedStateX86 const& state) {
    if (number >= rows.size() || rows[number].handler == nullptr) [[unlikely]]
        return refuse_call(task, number);
    return rows[number].handler(task, state);
}

}  // namespace astrata::linux_abi
