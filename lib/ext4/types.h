// The words that every part of the reader uses.
#pragma once

#include <cstdint>

namespace astrata::ext4 {

using BlockNumber = std::uint64_t;  ///< in units of the file system's block size, from the start of the volume
using InodeNumber = std::uint32_t;

inline constexpr InodeNumber root_inode = 2;
inline constexpr std::size_t name_limit = 255;  // bytes in a file name

enum class FileType : std::uint8_t {
    unknown,
    regular,
    directory,
    character_device,
    block_device,
    fifo,
    socket,
    symbolic_link,
};

}  // namespace astrata::ext4
