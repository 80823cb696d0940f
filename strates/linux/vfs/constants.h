// Numbers of the Linux ABI that files and paths speak in: inode(7), open(2), openat(2), lseek(2), rename(2).
#pragma once

#include <cstdint>

#include "linux_calls/machine.h"

namespace astrata::linux_abi {

/// The type bits of a mode (S_IFMT).
enum class FileType : std::uint32_t {
    fifo = 0010000,              // S_IFIFO
    character_device = 0020000,  // S_IFCHR
    directory = 0040000,         // S_IFDIR
    block_device = 0060000,      // S_IFBLK
    regular = 0100000,           // S_IFREG
    symbolic_link = 0120000,     // S_IFLNK
    socket = 0140000,            // S_IFSOCK
};
inline constexpr std::uint32_t file_type_mask = 0170000;

/// DT_* of getdents64: the type bits moved down.
constexpr std::uint8_t directory_entry_type(FileType type) {
    return static_cast<std::uint8_t>(static_cast<std::uint32_t>(type) >> 12);
}

namespace mode_bit {
inline constexpr std::uint32_t set_user_id = 04000;   // S_ISUID
inline constexpr std::uint32_t set_group_id = 02000;  // S_ISGID
inline constexpr std::uint32_t sticky = 01000;        // S_ISVTX
inline constexpr std::uint32_t permissions = 0777;
inline constexpr std::uint32_t all = 07777;
inline constexpr std::uint32_t group_execute = 0010;
inline constexpr std::uint32_t any_execute = 0111;
}  // namespace mode_bit

/// What an access check asks for; as in access(2) and in each triple of a mode.
namespace access_bit {
inline constexpr std::uint32_t execute = 1;
inline constexpr std::uint32_t write = 2;
inline constexpr std::uint32_t read = 4;
}  // namespace access_bit

namespace open_flag {
inline constexpr std::uint32_t access_mode = 03;                // O_ACCMODE
inline constexpr std::uint32_t read_only = 00;                  // O_RDONLY
inline constexpr std::uint32_t write_only = 01;                 // O_WRONLY
inline constexpr std::uint32_t read_write = 02;                 // O_RDWR
inline constexpr std::uint32_t create = 0100;                   // O_CREAT
inline constexpr std::uint32_t exclusive = 0200;                // O_EXCL
inline constexpr std::uint32_t no_controlling_terminal = 0400;  // O_NOCTTY
inline constexpr std::uint32_t truncate = 01000;                // O_TRUNC
inline constexpr std::uint32_t append = 02000;                  // O_APPEND
inline constexpr std::uint32_t non_blocking = 04000;            // O_NONBLOCK
inline constexpr std::uint32_t data_sync = 010000;              // O_DSYNC
inline constexpr std::uint32_t async = 020000;                  // FASYNC
// O_DIRECT, O_LARGEFILE, O_DIRECTORY and O_NOFOLLOW, which machines have as they please.
using machine::open_flag::direct, machine::open_flag::large_file, machine::open_flag::directory,
    machine::open_flag::no_follow;
inline constexpr std::uint32_t no_access_time = 01000000;  // O_NOATIME
inline constexpr std::uint32_t close_on_exec = 02000000;   // O_CLOEXEC
inline constexpr std::uint32_t sync = 04010000;            // O_SYNC
inline constexpr std::uint32_t path_only = 010000000;      // O_PATH
inline constexpr std::uint32_t temporary = 020000000;      // __O_TMPFILE, always with O_DIRECTORY
/// What fcntl(F_SETFL) may change.
inline constexpr std::uint32_t changeable = append | non_blocking | async | direct | no_access_time;
}  // namespace open_flag

/// Flags of the *at calls.
namespace at_flag {
inline constexpr std::uint32_t no_follow = 0x100;         // AT_SYMLINK_NOFOLLOW
inline constexpr std::uint32_t effective_access = 0x200;  // AT_EACCESS
inline constexpr std::uint32_t remove_directory = 0x200;  // AT_REMOVEDIR
inline constexpr std::uint32_t follow = 0x400;            // AT_SYMLINK_FOLLOW
inline constexpr std::uint32_t no_automount = 0x800;      // AT_NO_AUTOMOUNT
inline constexpr std::uint32_t empty_path = 0x1000;       // AT_EMPTY_PATH
inline constexpr std::uint32_t statx_sync = 0x6000;       // AT_STATX_SYNC_TYPE
}  // namespace at_flag
inline constexpr int at_current_directory = -100;  // AT_FDCWD

enum class SeekOrigin : std::uint32_t { set = 0, current = 1, end = 2, data = 3, hole = 4 };

namespace rename_flag {
inline constexpr std::uint32_t no_replace = 1;  // RENAME_NOREPLACE
inline constexpr std::uint32_t exchange = 2;    // RENAME_EXCHANGE
inline constexpr std::uint32_t whiteout = 4;    // RENAME_WHITEOUT
}  // namespace rename_flag

inline constexpr std::size_t name_limit = 255;       // NAME_MAX
inline constexpr std::size_t path_limit = 4096;      // PATH_MAX, with its NUL
inline constexpr unsigned symbolic_link_limit = 40;  // MAXSYMLINKS: links followed in one walk
inline constexpr std::uint64_t file_size_limit = 0x7fff'ffff'ffff'f000;

/// dev_t as new_encode_dev packs it and struct stat carries it.
constexpr std::uint64_t device_number(std::uint32_t major, std::uint32_t minor) {
    return (minor & 0xff) | (major & 0xfff) << 8 | static_cast<std::uint64_t>(minor & ~0xffu) << 12;
}
constexpr std::uint32_t device_major(std::uint64_t device) {
    return static_cast<std::uint32_t>(device >> 8 & 0xfff);
}
constexpr std::uint32_t device_minor(std::uint64_t device) {
    return static_cast<std::uint32_t>((device & 0xff) | (device >> 12 & 0xfff00));
}

}  // namespace astrata::linux_abi
