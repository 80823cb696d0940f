// The little program in FUTEX_WAKE_OP's third value (futex(2)): an arithmetic change and a comparison.
#pragma once

#include <cstdint>

#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

struct WakeOperation {
    std::uint32_t operation = 0;    ///< FUTEX_OP_SET, ADD, OR, ANDN, XOR
    std::uint32_t comparison = 0;   ///< FUTEX_OP_CMP_EQ, NE, LT, LE, GT, GE
    std::int32_t operand = 0;
    std::int32_t compared = 0;

    /// errors    enosys (unknown operation or comparison)
    static constexpr LinuxResult<WakeOperation> decode(std::uint32_t encoded) {
        WakeOperation result{.operation = encoded >> 28 & 7,
                             .comparison = encoded >> 24 & 15,
                             .operand = sign_extend(encoded >> 12 & 0xfff),
                             .compared = sign_extend(encoded & 0xfff)};
        if ((encoded >> 31 & 1) != 0)
            result.operand = static_cast<std::int32_t>(1u << (static_cast<std::uint32_t>(result.operand) & 31));
        if (result.operation > 4 || result.comparison > 5)
            return fail(Errno::enosys);
        return result;
    }

    [[nodiscard]] constexpr std::uint32_t apply(std::uint32_t old) const {
        auto value = static_cast<std::uint32_t>(operand);
        switch (operation) {
        case 0: return value;
        case 1: return old + value;
        case 2: return old | value;
        case 3: return old & ~value;
        default: return old ^ value;
        }
    }

    [[nodiscard]] constexpr bool is_met_by(std::uint32_t old) const {
        auto value = static_cast<std::int32_t>(old);
        switch (comparison) {
        case 0: return value == compared;
        case 1: return value != compared;
        case 2: return value < compared;
        case 3: return value <= compared;
        case 4: return value > compared;
        default: return value >= compared;
        }
    }

private:
    static constexpr std::int32_t sign_extend(std::uint32_t twelve_bits) {
        return static_cast<std::int32_t>(twelve_bits << 20) >> 20;
    }
};

}  // namespace astrata::linux_abi
