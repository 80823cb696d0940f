// Structures and numbers that Linux gives every newer machine (asm-generic).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace astrata::linux_abi::generic {

namespace open_flag {
inline constexpr std::uint32_t direct = 040000;       // O_DIRECT
inline constexpr std::uint32_t large_file = 0100000;  // O_LARGEFILE
inline constexpr std::uint32_t directory = 0200000;   // O_DIRECTORY
inline constexpr std::uint32_t no_follow = 0400000;   // O_NOFOLLOW
}  // namespace open_flag

/// struct epoll_event.
struct EpollEvent {
    std::uint32_t events;
    std::uint32_t padding;
    std::uint64_t data;
};
static_assert(sizeof(EpollEvent) == 16);

/// struct stat.
struct FileStatus {
    std::uint64_t device = 0;
    std::uint64_t node = 0;
    std::uint32_t mode = 0;
    std::uint32_t links = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t own_device = 0;
    std::uint64_t padding = 0;
    std::int64_t size = 0;
    std::int32_t block_size = 0;
    std::int32_t padding2 = 0;
    std::int64_t blocks = 0;
    std::int64_t accessed_seconds = 0, accessed_nanoseconds = 0;
    std::int64_t modified_seconds = 0, modified_nanoseconds = 0;
    std::int64_t changed_seconds = 0, changed_nanoseconds = 0;
    std::array<std::int32_t, 2> reserved = {};
};
static_assert(sizeof(FileStatus) == 128 && offsetof(FileStatus, own_device) == 32 &&
              offsetof(FileStatus, block_size) == 56 && offsetof(FileStatus, accessed_seconds) == 72);

}  // namespace astrata::linux_abi::generic
