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

// By reference, so that a frame that cannot be allocated leaves both with the caller.
template <typename T, typename Done>
Detached run_detached(Task<T>& task, Done& done) {
    auto own_task = std::move(task);
    auto own_done = std::move(done);
    own_done(co_await own_task);
}

}  // namespace detail

/// Starts `task` and lets it run on by itself; `done(result)` is called when it ends, possibly before spawn returns.
/// When there is no memory to run it, its result is `no_memory`.
template <typename T, typename Done>
void spawn(Task<T> task, Done done) {
    if (!detail::run_detached(task, done).is_started)
        done(T(fail(Error::no_memory)));
}

}  // namespace astrata::async
