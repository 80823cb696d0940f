// User memory on the host: a function that the test provides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/units.h"

namespace astrata::kernel::arch {

struct ExceptionTableEntry {
    std::uint64_t instruction;
    std::uint64_t recovery;
};

inline bool (*host_copy_user)(void* to, void const* from, std::size_t count) = nullptr;
[[nodiscard]] inline bool copy_user(void* to, void const* from, std::size_t count) {
    return host_copy_user != nullptr && host_copy_user(to, from, count);
}
[[nodiscard]] inline bool is_own_hosted_memory(VirtAddr, std::uint64_t) {
    return false;
}
inline std::span<ExceptionTableEntry const> exception_table() {
    return {};
}

}  // namespace astrata::kernel::arch
