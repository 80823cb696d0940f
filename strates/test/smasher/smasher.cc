// Writes past an array on the stack: the canary behind it changes, and the process ends before the function returns to an address
// that somebody chose.
#include <array>
#include <cstddef>

#include "sdk/log.h"
#include "smasher/environment.h"

namespace astrata {

namespace {

[[gnu::noinline]] void write_too_far(std::size_t count) {
    std::array<char, 16> text{};
    auto* at = text.data();
    asm volatile("" : "+r"(at));   // the compiler must not see what is coming
#pragma clang unsafe_buffer_usage begin
    for (std::size_t i = 0; i < count; ++i)
        at[i] = 'x';
#pragma clang unsafe_buffer_usage end
    asm volatile("" ::"r"(at) : "memory");
}

}  // namespace

Result<> strate_main(smasher::Environment&) {
    sdk::log("about to overwrite the stack");
    std::size_t count = 40;
    asm volatile("" : "+r"(count));
    write_too_far(count);
    sdk::log("nobody noticed");
    return {};
}

}  // namespace astrata
