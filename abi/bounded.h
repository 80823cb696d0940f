// Bytes and text of bounded length, stored inline: what IPC stubs return for bytes<N> and text<N>.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "lib/base/bytes.h"

namespace astrata::abi {

template <std::size_t N>
class BoundedBytes {
public:
    BoundedBytes() = default;
    /// Copies at most N bytes.
    explicit BoundedBytes(Bytes source) : length_(static_cast<std::uint32_t>(std::min(source.size(), N))) {
        if (length_ != 0)
            std::memcpy(bytes_.data(), source.data(), length_);
    }

    [[nodiscard]] Bytes view() const { return Bytes(bytes_).first(length_); }
    [[nodiscard]] std::size_t size() const { return length_; }
    [[nodiscard]] bool is_empty() const { return length_ == 0; }

private:
    std::uint32_t length_ = 0;
    std::array<std::byte, N> bytes_;  // only the first length_ are ever read
};

template <std::size_t N>
class BoundedText {
public:
    BoundedText() = default;
    explicit BoundedText(std::string_view source) : bytes_(as_bytes(source)) {}

    [[nodiscard]] std::string_view view() const { return as_text(bytes_.view()); }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] bool is_empty() const { return bytes_.is_empty(); }

private:
    BoundedBytes<N> bytes_;
};

}  // namespace astrata::abi
