// Errors are values: Result<T> and the one control-flow macro, TRY.
#pragma once

#include <expected>
#include <type_traits>
#include <utility>

#include "lib/base/error.h"

namespace astrata {

/// What a fallible function returns. `Result<>` carries only success or failure. Functions that return it are marked
/// [[nodiscard]] (libc++ does not mark std::expected itself).
template <typename T = void>
using Result = std::expected<T, Error>;

/// `return fail(Error::io);` in a function that returns any Result.
[[nodiscard]] constexpr std::unexpected<Error> fail(Error error) {
    return std::unexpected<Error>(error);
}

namespace detail {

// `*result` without libc++'s second check, since TRY has just made it; void for Result<>.
template <typename T>
constexpr T unwrap(Result<T>&& result) {
    if constexpr (std::is_void_v<T>)
        return;
    else
        return std::move(*result);
}

}  // namespace detail

/// For Result<> functions whose happy path ends without a value: `return ok();`.
[[nodiscard]] constexpr Result<> ok() {
    return {};
}

}  // namespace astrata

// Evaluates `expression`, a Result; returns its error from the enclosing function, or yields its value. A GNU statement
// expression, so that `auto page = TRY(allocate());` reads as one step. Results never hold references: borrow with a
// pointer instead, so that nothing dangles here. Each use has a name of its own, so that one can stand inside another.
#define TRY(...) ASTRATA_TRY_1(__COUNTER__, __VA_ARGS__)
#define ASTRATA_TRY_1(number, ...) ASTRATA_TRY_2(number, __VA_ARGS__)
#define ASTRATA_TRY_2(number, ...)                                                                                     \
    ({                                                                                                                 \
        auto try_result_##number = (__VA_ARGS__);                                                                      \
        if (!try_result_##number.has_value()) [[unlikely]]                                                             \
            return ::astrata::fail(try_result_##number.error());                                                       \
        ::astrata::detail::unwrap(std::move(try_result_##number));                                                     \
    })
