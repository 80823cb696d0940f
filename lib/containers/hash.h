// Hashes for HashMap. Not meant to withstand keys chosen by an attacker: maps keyed by such input are bounded by their
// owners.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace astrata {

/// All bits of the result depend on all bits of the value (the finaliser of SplitMix64, by Sebastiano Vigna).
constexpr std::uint64_t mix_bits(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

template <typename Integer>
    requires std::integral<Integer> || std::is_enum_v<Integer>
constexpr std::uint64_t hash_of(Integer value) {
    return mix_bits(static_cast<std::uint64_t>(value));
}

/// FNV-1a, then mixed so that the low bits are good too.
constexpr std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (char const character : text)
        hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3;
    return mix_bits(hash);
}

}  // namespace astrata
