// What the personality does with a program's registers, whatever their names: each machine fills in a RegisterRoles.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace astrata::linux_abi {

template <typename State>
struct RegisterRoles {
    using Register = std::uint64_t State::*;
    Register call_number;
    std::array<Register, 6> arguments;  ///< of system calls; the first three also of signal handlers
    Register result;                    ///< of system calls
    Register instruction;
    Register stack;
    Register thread;           ///< thread pointer, set by CLONE_SETTLS
    std::uint64_t call_bytes;  ///< of the system-call instruction
};

/// For crash reports.
template <typename State>
struct NamedRegister {
    std::string_view name;
    std::uint64_t State::* place;
};

}  // namespace astrata::linux_abi
