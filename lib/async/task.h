// Coroutines for single-threaded event loops: a Task is a computation that may pause half-way without blocking anybody.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "lib/base/result.h"

namespace astrata::async {

/// What a Task may produce: something that can carry an Error, since its frame may not be allocatable.
template <typename T>
concept TaskResult = std::is_constructible_v<T, std::unexpected<Error>> && std::is_move_constructible_v<T>;

/// The return type of a coroutine that produces a `T`, usually a Result. It runs nothing until it is awaited or
/// started, and then runs on its awaiter's thread; when it ends it continues its awaiter directly, so that chains of
/// any length need no stack. Nothing here is thread-safe: a task and all it awaits belong to one event loop.
///
/// Arguments taken by reference must outlive the task; those of a directly awaited task do.
/// Destroying an unfinished task destroys what it was waiting for, innermost first.
/// errors    no_memory is the result when the coroutine's frame cannot be allocated
template <typename T>
class [[nodiscard]] Task {
public:
    class promise_type;
    using Handle = std::coroutine_handle<promise_type>;

    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (handle_)
            handle_.destroy();
    }

    /// Runs a task that nobody awaits until it first pauses. At most once; `take_result` fetches the outcome later.
    void start() {
        if (handle_)
            handle_.resume();
    }
    [[nodiscard]] bool is_done() const { return !handle_ || handle_.done(); }
    /// The outcome of a task that is done.
    [[nodiscard]] T take_result() {
        if (!handle_)
            return T(fail(Error::no_memory));
        return std::move(*handle_.promise().value);
    }

    class Awaiter {
    public:
        explicit Awaiter(Task& task) : task_(task) {}
        [[nodiscard]] bool await_ready() const noexcept { return task_.is_done(); }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
            task_.handle_.promise().continuation = awaiting;
            return task_.handle_;
        }
        T await_resume() { return task_.take_result(); }

    private:
        Task& task_;
    };
    Awaiter operator co_await() { return Awaiter(*this); }

private:
    explicit Task(Handle handle) : handle_(handle) {}

    Handle handle_;  // null: the frame could not be allocated
};

template <typename T>
class Task<T>::promise_type {
    static_assert(TaskResult<T>);

public:
    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    /// Its presence also makes the compiler allocate the frame with the operator new that returns null.
    static Task get_return_object_on_allocation_failure() { return Task(nullptr); }

    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
        struct Continue {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(Handle finished) noexcept { return finished.promise().continuation; }
            void await_resume() noexcept {}
        };
        return Continue{};
    }
    template <typename Value>
        requires std::is_constructible_v<T, Value&&>
    void return_value(Value&& result) {
        value.emplace(std::forward<Value>(result));
    }
    // The host build compiles with exceptions on; none of ours throws.
    void unhandled_exception() noexcept { __builtin_trap(); }

    std::optional<T> value;
    std::coroutine_handle<> continuation = std::noop_coroutine();
};

}  // namespace astrata::async

// TRY for coroutines: `auto block = CO_TRY(co_await cache.get(number));` yields the value or ends the coroutine with
// the error.
#define CO_TRY(...) ASTRATA_CO_TRY_1(__COUNTER__, __VA_ARGS__)
#define ASTRATA_CO_TRY_1(number, ...) ASTRATA_CO_TRY_2(number, __VA_ARGS__)
#define ASTRATA_CO_TRY_2(number, ...)                                  \
    ({                                                                 \
        auto co_try_result_##number = (__VA_ARGS__);                   \
        if (!co_try_result_##number.has_value()) [[unlikely]]          \
            co_return ::astrata::fail(co_try_result_##number.error()); \
        ::astrata::detail::unwrap(std::move(co_try_result_##number));  \
    })
