// Running a task to its end where nothing it awaits really has to wait: tests, tools, in-memory sources.
#pragma once

#include <utility>

#include "lib/async/task.h"

namespace astrata::async {

/// Runs `task` and returns its result.
/// errors    would_block (it paused; it is given up)
template <typename T>
[[nodiscard]] T sync_wait(Task<T> task) {
    task.start();
    if (!task.is_done())
        return T(fail(Error::would_block));
    return task.take_result();
}

}  // namespace astrata::async
