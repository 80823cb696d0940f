// Tasks that nobody awaits: what an event loop starts for each request.
#pragma once

#include <coroutine>
#include <utility>

#include "lib/async/task.h"

namespace astrata::async {
namespace detail {

// A coroutine that starts at once and frees itself at its end.
struct Detached {
    struct promise_type {
        Detached get_return_object() { return {.is_started = true}; }
        static Detached get_return_object_on_allocation_failure() { return {.is_started = false}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() noexcept { __builtin_trap(); }
    };
    bool is_started;
};

template <typename T, typename Done>
Detached run_detached(Task<T> task, Done done) {
    done(co_await task);
}

}  // namespace detail

/// Starts `task` and lets it run on by itself; `done(result)` is called when it ends, possibly before spawn returns.
/// errors    no_memory (nothing was started, `done` will not be called)
template <typename T, typename Done>
[[nodiscard]] Result<> spawn(Task<T> task, Done done) {
    if (!detail::run_detached(std::move(task), std::move(done)).is_started)
        return fail(Error::no_memory);
    return {};
}

}  // namespace astrata::async
