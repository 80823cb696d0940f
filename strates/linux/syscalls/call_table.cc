#include "strates/linux/syscalls/call_table.h"

#include "linux_calls/table.h"
#include "strates/linux/core/task.h"

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

std::int64_t dispatch_call(Task& task, std::uint64_t number, abi::RestrictedStateX86 const& state) {
    if (number >= rows.size()) [[unlikely]]
        return -static_cast<std::int64_t>(Errno::enosys);
    auto const& row = rows[number];
    if (row.handler == nullptr) [[unlikely]]
        return -static_cast<std::int64_t>(row.error);
    return row.handler(task, state);
}

}  // namespace astrata::linux_abi
