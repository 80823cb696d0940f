// struct kernel_sigaction, as programs give and get it.
#pragma once

#include "strates/linux/signal/actions.h"

namespace astrata::linux_abi {

/// has_restorer    of the machine
template <bool has_restorer>
struct ActionRecord {
    std::uint64_t handler = 0;
    std::uint64_t flags = 0;
    std::uint64_t restorer = 0;
    SignalSet mask;

    static constexpr ActionRecord of(SignalAction const& action) {
        return {action.handler, action.flags, action.restorer, action.mask};
    }
    [[nodiscard]] constexpr SignalAction action() const { return {handler, flags, restorer, mask}; }
};
static_assert(sizeof(ActionRecord<true>) == 32);

template <>
struct ActionRecord<false> {
    std::uint64_t handler = 0;
    std::uint64_t flags = 0;
    SignalSet mask;

    static constexpr ActionRecord of(SignalAction const& action) { return {action.handler, action.flags, action.mask}; }
    [[nodiscard]] constexpr SignalAction action() const { return {.handler = handler, .flags = flags, .mask = mask}; }
};
static_assert(sizeof(ActionRecord<false>) == 24);

}  // namespace astrata::linux_abi
