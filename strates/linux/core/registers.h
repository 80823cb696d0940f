// A program's registers by what they are for (arch/register_roles.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "linux_calls/machine.h"

namespace astrata::linux_abi {

using RestrictedState = machine::RestrictedState;

[[nodiscard]] inline std::uint64_t& call_number_of(RestrictedState& state) {
    return state.*machine::roles.call_number;
}
[[nodiscard]] inline std::uint64_t call_number_of(RestrictedState const& state) {
    return state.*machine::roles.call_number;
}
template <std::size_t index>
[[nodiscard]] inline std::uint64_t call_argument(RestrictedState const& state) {
    return state.*machine::roles.arguments[index];
}
[[nodiscard]] inline std::uint64_t& call_result(RestrictedState& state) {
    return state.*machine::roles.result;
}
[[nodiscard]] inline std::uint64_t& instruction_pointer(RestrictedState& state) {
    return state.*machine::roles.instruction;
}
[[nodiscard]] inline std::uint64_t& stack_pointer(RestrictedState& state) {
    return state.*machine::roles.stack;
}
[[nodiscard]] inline std::uint64_t& thread_pointer(RestrictedState& state) {
    return state.*machine::roles.thread;
}

/// Whether a call's result takes the place of its first argument, which then has to be kept for a repetition.
inline constexpr bool result_replaces_argument = machine::roles.result == machine::roles.arguments[0];

}  // namespace astrata::linux_abi
