// Text of bounded length as it lies in structs that cross the system-call and message boundary.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace astrata::abi {

/// Up to N bytes, padded with NULs. A text of exactly N bytes has no terminator.
template <std::size_t N>
struct Text {
    std::array<char, N> bytes{};

    /// Up to the first NUL, or all of it.
    [[nodiscard]] constexpr std::string_view view() const {
        std::string_view const all(bytes.data(), N);
        return all.substr(0, std::min(all.find('\0'), N));
    }
    /// What does not fit is cut off.
    static constexpr Text from(std::string_view text) {
        Text made;
        std::copy_n(text.begin(), std::min(text.size(), N), made.bytes.begin());
        return made;
    }
    constexpr bool operator==(Text const& other) const { return view() == other.view(); }
    constexpr bool operator==(std::string_view other) const { return view() == other; }
};

}  // namespace astrata::abi
