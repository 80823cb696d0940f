// Little-endian and big-endian integers in byte buffers, and a bounds-checked reader over untrusted bytes.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "lib/base/result.h"

namespace astrata {

using Bytes = std::span<std::byte const>;
using MutableBytes = std::span<std::byte>;

/// The text's bytes.
inline Bytes as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// The bytes as text; no terminator is looked for.
inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

/// A copy of the value stored at `offset`. Layout and byte order are the caller's affair.
/// errors    out_of_range (the value does not fit in the rest of `bytes`)
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] Result<T> load(Bytes bytes, std::size_t offset) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
        return fail(Error::out_of_range);
    T value;
    std::memcpy(&value, bytes.subspan(offset).data(), sizeof(T));
    return value;
}

/// Writes the value's object representation at `offset`.
/// errors    out_of_range
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] Result<> store(MutableBytes bytes, std::size_t offset, T const& value) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
        return fail(Error::out_of_range);
    std::memcpy(bytes.subspan(offset).data(), &value, sizeof(T));
    return {};
}

/// A stored integer of a fixed byte order, alignment 1, for on-disk and on-wire structures.
template <std::integral T, std::endian order>
class StoredInteger {
public:
    constexpr StoredInteger() = default;
    constexpr StoredInteger(T value) : stored_(convert(value)) {}
    constexpr operator T() const { return convert(stored_); }

private:
    static constexpr T convert(T value) { return order == std::endian::native ? value : std::byteswap(value); }
    T stored_ = 0;
} __attribute__((packed));

template <std::integral T>
using LittleEndian = StoredInteger<T, std::endian::little>;
template <std::integral T>
using BigEndian = StoredInteger<T, std::endian::big>;

using le16 = LittleEndian<std::uint16_t>;
using le32 = LittleEndian<std::uint32_t>;
using le64 = LittleEndian<std::uint64_t>;
using be16 = BigEndian<std::uint16_t>;
using be32 = BigEndian<std::uint32_t>;
using be64 = BigEndian<std::uint64_t>;

/// Reads untrusted bytes front to back; every step checks what is left.
class ByteReader {
public:
    explicit ByteReader(Bytes bytes) : rest_(bytes) {}

    [[nodiscard]] std::size_t remaining() const { return rest_.size(); }

    /// errors    out_of_range (fewer bytes are left)
    template <typename T>
    [[nodiscard]] Result<T> read() {
        auto value = load<T>(rest_, 0);
        if (value)
            rest_ = rest_.subspan(sizeof(T));
        return value;
    }

    /// The next `count` bytes, borrowed from the underlying buffer.
    /// errors    out_of_range
    [[nodiscard]] Result<Bytes> take(std::size_t count) {
        if (count > rest_.size())
            return fail(Error::out_of_range);
        auto taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }

private:
    Bytes rest_;
};

}  // namespace astrata
