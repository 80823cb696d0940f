// What a program finds on its stack when it begins: argument count and pointers, environment, auxiliary vector, strings
// (the System V ABI's supplement for each machine; getauxval(3)).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/containers/vector.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

/// AT_*.
enum class AuxiliaryKind : std::uint64_t {
    end = 0,
    program_headers = 3,
    program_header_size = 4,
    program_header_count = 5,
    page_size = 6,
    base = 7,
    flags = 8,
    entry = 9,
    uid = 11,
    effective_uid = 12,
    gid = 13,
    effective_gid = 14,
    platform = 15,
    capabilities = 16,
    clock_ticks = 17,
    secure = 23,
    random = 25,
    capabilities2 = 26,
    executable_name = 31,
    vdso = 33,
    minimum_signal_stack = 51,
};

struct AuxiliaryEntry {
    AuxiliaryKind kind = AuxiliaryKind::end;
    std::uint64_t value = 0;
};

struct StackRequest {
    std::uint64_t top = 0;                       ///< end of the stack, 16-byte aligned
    std::string_view arguments;                  ///< packed, each with its NUL
    std::size_t argument_count = 0;
    std::string_view environment;
    std::size_t environment_count = 0;
    std::string_view executable_name;            ///< without NUL
    std::string_view platform;                   ///< without NUL; empty: none is named
    std::array<std::byte, 16> random = {};
    std::span<AuxiliaryEntry const> auxiliary;   ///< without those that point into the stack, and without the end
};

/// The finished image: `bytes` belong at `stack_pointer`, up to the top.
struct StackImage {
    Vector<std::byte> bytes;
    std::uint64_t stack_pointer = 0;             ///< 16-byte aligned; the argument count is there
    std::uint64_t arguments_start = 0, arguments_end = 0;
    std::uint64_t environment_start = 0, environment_end = 0;
    std::uint64_t auxiliary_start = 0, auxiliary_length = 0;
};

/// errors    enomem
[[nodiscard]] LinuxResult<StackImage> build_stack(StackRequest const& request);

}  // namespace astrata::linux_abi
