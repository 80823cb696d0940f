// Every way in which a fallible function of ours can fail. Closed: a new reason is a new enumerator here, and each
// `switch` that translates errors (Linux errno, text for people) then stops compiling until it knows the newcomer.
#pragma once

#include <cstdint>
#include <string_view>

namespace astrata {

/// The values are ABI: Bedrock returns them as the status of a system call (0 is success) and IPC replies carry them.
/// Append only.
enum class Error : std::uint16_t {
    bad_handle = 1,          ///< the handle names no object: never issued, closed, or revoked
    wrong_type = 2,          ///< the handle names an object of another type
    access_denied = 3,       ///< the handle lacks a right that the operation needs
    invalid_argument = 4,    ///< an argument is malformed: reserved bits, misaligned, contradictory
    out_of_range = 5,        ///< an offset, index or length lies outside the object
    bad_address = 6,         ///< a user pointer does not point to accessible memory
    no_memory = 7,           ///< the silo's memory limit, or the machine's memory, is exhausted
    no_resources = 8,        ///< another limit than memory is exhausted: handles, threads, processes, vectors
    timed_out = 9,           ///< the deadline passed first
    would_block = 10,        ///< nothing is ready and the caller asked not to wait
    interrupted = 11,        ///< the thread was kicked, or the call cancelled, while it waited
    peer_closed = 12,        ///< the other side is gone: no receiver, or the reply was dropped
    not_found = 13,          ///< no such name, key or entry
    already_exists = 14,     ///< the name, key or binding is taken
    bad_state = 15,          ///< the object is not in a state in which this is possible
    busy = 16,               ///< somebody else is using the object exclusively
    not_supported = 17,      ///< the object, device or file system cannot do this
    message_too_large = 18,  ///< a message or argument exceeds its declared capacity
    bad_message = 19,        ///< a message does not follow its interface: length, handle count, enum, unknown method
    io = 20,                 ///< the device failed to carry out the operation
    corrupt = 21,            ///< stored data contradicts its format or checksum
    not_a_directory = 22,    ///< a path component is not a directory
    is_a_directory = 23,     ///< the operation does not apply to directories
    not_empty = 24,          ///< a directory still has entries
    name_too_long = 25,      ///< a path or path component exceeds its limit
    too_many_links = 26,     ///< symbolic links nest too deeply
    read_only = 27,          ///< the file system or object cannot be written
    no_space = 28,           ///< the storage is full
    cross_device = 29,       ///< the operation would span two file systems
    bad_executable = 30,     ///< the program file is malformed or for another machine
    cancelled = 31,          ///< the operation was given up because its object or owner is going away
    no_device = 32,          ///< the device is absent or has been removed
};

/// The number of the last enumerator; statuses above it come from a newer system.
inline constexpr std::uint16_t last_error = 32;

/// The enumerator's name, for logs and shells.
constexpr std::string_view name_of(Error error) {
    switch (error) {
    case Error::bad_handle: return "bad handle";
    case Error::wrong_type: return "wrong type";
    case Error::access_denied: return "access denied";
    case Error::invalid_argument: return "invalid argument";
    case Error::out_of_range: return "out of range";
    case Error::bad_address: return "bad address";
    case Error::no_memory: return "out of memory";
    case Error::no_resources: return "out of resources";
    case Error::timed_out: return "timed out";
    case Error::would_block: return "would block";
    case Error::interrupted: return "interrupted";
    case Error::peer_closed: return "peer closed";
    case Error::not_found: return "not found";
    case Error::already_exists: return "already exists";
    case Error::bad_state: return "bad state";
    case Error::busy: return "busy";
    case Error::not_supported: return "not supported";
    case Error::message_too_large: return "message too large";
    case Error::bad_message: return "bad message";
    case Error::io: return "input/output error";
    case Error::corrupt: return "corrupt data";
    case Error::not_a_directory: return "not a directory";
    case Error::is_a_directory: return "is a directory";
    case Error::not_empty: return "directory not empty";
    case Error::name_too_long: return "name too long";
    case Error::too_many_links: return "too many symbolic links";
    case Error::read_only: return "read-only";
    case Error::no_space: return "no space left";
    case Error::cross_device: return "crosses file systems";
    case Error::bad_executable: return "bad executable";
    case Error::cancelled: return "cancelled";
    case Error::no_device: return "no such device";
    }
    return "unknown error";
}

}  // namespace astrata
