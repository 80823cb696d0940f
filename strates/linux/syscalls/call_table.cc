#include "strates/linux/syscalls/call_table.h"

#include "linux_calls/table.h"
#include "strates/linux/core/task.h"
#include "strates/linux/syscalls/trace.h"

namespace astrata::linux_abi {

// What a failed call answers.
[[gnu::noinline]] static std::int64_t fail_call(Errno error) {
    // An interrupted call whose signal somebody else took meanwhile has to be repeated all the same.
    if (is_restart(error))
        current_task().work.fetch_or(task_work::signal, std::memory_order_relaxed);
    return -static_cast<std::int64_t>(error);
}

static inline std::int64_t finish(LinuxResult<std::uint64_t> result) {
    if (result.has_value()) [[likely]]
        return static_cast<std::int64_t>(*result);
    return fail_call(result.error());
}

// Calls without handler.
static std::int64_t refuse_call(Task& task, RestrictedState const& state) {
    auto const number = call_number_of(state);
    CallRow const unknown;
    auto const& row = number < call_table_size ? call_rows()[number] : unknown;
    // Those that are refused on purpose are nothing to wonder at.
    if (row.name.empty())
        trace_unknown(task, number);
    return -static_cast<std::int64_t>(row.error);
}

#include "linux_calls/table.inc"

constinit std::atomic<CallHandlers const*> handlers_in_use = &call_handlers;

std::span<CallRow const> call_rows() {
    return rows;
}

}  // namespace astrata::linux_abi
