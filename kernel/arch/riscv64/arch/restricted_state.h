// The registers of foreign code, which Bedrock shares with its personality.
#pragma once

#include <array>
#include <cstdint>

#include "abi/types.h"

namespace astrata::kernel::arch {

using RestrictedState = abi::RestrictedStateRiscv64;

// Of a system call that foreign code makes (Linux's convention).
[[nodiscard]] inline std::uint64_t foreign_call_number(RestrictedState const& state) {
    return state.a7;
}
[[nodiscard]] inline std::array<std::uint64_t, 6> foreign_call_arguments(RestrictedState const& state) {
    return {state.a0, state.a1, state.a2, state.a3, state.a4, state.a5};
}
[[nodiscard]] inline std::uint64_t foreign_call_result(RestrictedState const& state) {
    return state.a0;
}

}  // namespace astrata::kernel::arch
