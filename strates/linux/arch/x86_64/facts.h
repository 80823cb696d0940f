// Names, numbers and structures of x86_64 Linux.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/elf/image.h"

namespace astrata::linux_abi::x86_64 {

inline constexpr std::string_view name = "x86_64";           // uname(2)
inline constexpr std::string_view platform_name = "x86_64";  // AT_PLATFORM
inline constexpr auto elf_machine = elf::Machine::x86_64;

/// Whether struct sigaction names the code that handlers return to; without, the vDSO has it.
inline constexpr bool has_restorer = true;
inline constexpr std::string_view signal_return_symbol = "";  // handlers return to their restorer only
inline constexpr std::uint64_t smallest_signal_stack = 2048;  // MINSIGSTKSZ

/// Room for a program's FPU and vector state in XSAVE standard format, AVX-512 included.
inline constexpr std::size_t vector_state_limit = 2816;

namespace open_flag {
inline constexpr std::uint32_t direct = 040000;       // O_DIRECT
inline constexpr std::uint32_t large_file = 0100000;  // O_LARGEFILE
inline constexpr std::uint32_t directory = 0200000;   // O_DIRECTORY
inline constexpr std::uint32_t no_follow = 0400000;   // O_NOFOLLOW
}  // namespace open_flag

/// struct epoll_event: packed on this machine only.
struct [[gnu::packed]] EpollEvent {
    std::uint32_t events;
    std::uint64_t data;
};
static_assert(sizeof(EpollEvent) == 12);

/// struct stat.
struct FileStatus {
    std::uint64_t device = 0;
    std::uint64_t node = 0;
    std::uint64_t links = 0;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t padding = 0;
    std::uint64_t own_device = 0;
    std::int64_t size = 0;
    std::int64_t block_size = 0;
    std::int64_t blocks = 0;
    std::int64_t accessed_seconds = 0, accessed_nanoseconds = 0;
    std::int64_t modified_seconds = 0, modified_nanoseconds = 0;
    std::int64_t changed_seconds = 0, changed_nanoseconds = 0;
    std::array<std::int64_t, 3> reserved = {};
};
static_assert(sizeof(FileStatus) == 144 && offsetof(FileStatus, own_device) == 40);

}  // namespace astrata::linux_abi::x86_64
