// Memory of the program that the calling thread belongs to: addresses it gives us, and copying that survives whatever
// they point to. The guest's half of the address space is directly addressable while its thread runs our code.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "lib/base/bytes.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

/// An address in the current program's memory, as the program gave it: any value at all.
struct GuestAddress {
    std::uint64_t value = 0;

    constexpr auto operator<=>(GuestAddress const&) const = default;
    constexpr GuestAddress operator+(std::uint64_t bytes) const { return {value + bytes}; }
    constexpr GuestAddress operator-(std::uint64_t bytes) const { return {value - bytes}; }
    [[nodiscard]] constexpr bool is_null() const { return value == 0; }
};

/// The lowest address that a program can map (Linux's mmap_min_addr) and the end of its half, which is Linux's
/// TASK_SIZE.
inline constexpr std::uint64_t guest_minimum = 0x10000;
inline constexpr std::uint64_t guest_limit = 0x7f7f'ffff'f000;

/// Whether all of [address, address + length) lies in the guest's half.
constexpr bool is_guest_range(GuestAddress address, std::uint64_t length) {
    constexpr auto room = guest_limit - guest_minimum;
    return length <= room && address.value - guest_minimum <= room - length;
}

/// Copies all of `into.size()` bytes.
/// errors    efault (unmapped, not readable, or outside the guest's half; the contents of `into` are then unspecified)
[[nodiscard]] LinuxResult<> copy_from_guest(MutableBytes into, GuestAddress from);

/// Copies all of `from`.
/// errors    efault (the destination may have been written in part)
[[nodiscard]] LinuxResult<> copy_to_guest(GuestAddress to, Bytes from);

/// Copies as much as is accessible and returns how much; 0 when nothing is.
[[nodiscard]] std::size_t copy_some_from_guest(MutableBytes into, GuestAddress from);
[[nodiscard]] std::size_t copy_some_to_guest(GuestAddress to, Bytes from);

/// Writes `length` zero bytes.
/// errors    efault
[[nodiscard]] LinuxResult<> zero_guest(GuestAddress to, std::uint64_t length);

/// The guest's bytes as a span for system calls that take user memory and report bad_address themselves (such as
/// memory_object_read straight into a program's buffer). Never dereference it directly.
/// errors    efault (outside the guest's half)
[[nodiscard]] LinuxResult<MutableBytes> guest_span(GuestAddress address, std::size_t length);

/// Such a system call reported bad_address: whether it was for want of memory is looked into afterwards, as it is when
/// one of these copies fails.
void note_unreachable(GuestAddress address, std::uint64_t length, bool is_write);

/// Copies a NUL-terminated string, without the NUL, and returns its length.
/// errors    efault, enametoolong (no NUL within into.size() bytes)
[[nodiscard]] LinuxResult<std::size_t> copy_string_from_guest(std::span<char> into, GuestAddress from);

/// The value at `from`; T is a Linux structure or integer without padding that matters.
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] LinuxResult<T> read_guest(GuestAddress from) {
    T value;
    LTRY(copy_from_guest(std::as_writable_bytes(std::span(&value, 1)), from));
    return value;
}

template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] LinuxResult<> write_guest(GuestAddress to, T const& value) {
    return copy_to_guest(to, std::as_bytes(std::span(&value, 1)));
}

/// Atomic accesses to a naturally aligned 32-bit word, for futexes.
/// errors    efault, einval (misaligned)
[[nodiscard]] LinuxResult<std::uint32_t> load_guest_word(GuestAddress address);
/// Stores `desired` if the word equals `expected`; returns what the word was.
[[nodiscard]] LinuxResult<std::uint32_t> compare_exchange_guest_word(GuestAddress address, std::uint32_t expected,
                                                                     std::uint32_t desired);

/// Tells Bedrock about the copy routines; once, before the first program runs.
[[nodiscard]] Result<> register_guest_copy_routines();

}  // namespace astrata::linux_abi
