// The registers of foreign code, which Bedrock shares with its personality.
#pragma once

#include <array>
#include <cstdint>

#include "abi/types.h"

namespace astrata::kernel::arch {

using RestrictedState = abi::RestrictedStateX86;

// Of a system call that foreign code makes (Linux's convention).
[[nodiscard]] inline std::uint64_t foreign_call_number(RestrictedState const& state) {
    return state.rax;
}
[[nodiscard]] inline std::array<std::uint64_t, 6> foreign_call_arguments(RestrictedState const& state) {
    return {state.rdi, state.rsi, state.rdx, state.r10, state.r8, state.r9};
}
[[nodiscard]] inline std::uint64_t foreign_call_result(RestrictedState const& state) {
    return state.rax;
}

}  // namespace astrata::kernel::arch
