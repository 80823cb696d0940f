#include "lib/ext4/directory_hash.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>

namespace astrata::ext4 {
namespace {

using State = std::array<std::uint32_t, 4>;

constexpr State default_seed = {0x6745'2301, 0xefcd'ab89, 0x98ba'dcfe, 0x1032'5476};
constexpr std::uint32_t end_of_directory = 0x7fff'ffff;  // a position that no name may have, in units of 2

// A name byte as the machine that made the directory saw it: `char` is signed on some and unsigned on others.
std::uint32_t value_of(char byte, bool is_unsigned) {
    return is_unsigned ? static_cast<std::uint8_t>(byte)
                       : static_cast<std::uint32_t>(std::int32_t{static_cast<std::int8_t>(byte)});
}

// The next words to hash, from the start of `rest`; what the name does not fill is padded with its length.
template <std::size_t count>
std::array<std::uint32_t, count> take_words(std::string_view rest, bool is_unsigned) {
    auto const length = static_cast<std::uint32_t>(rest.size());
    auto const half = length | length << 8;
    auto const padding = half | half << 16;
    std::array<std::uint32_t, count> words;
    words.fill(padding);
    auto const used = std::min(rest.size(), count * 4);
    for (std::size_t index = 0; index < used; ++index)
        words[index / 4] = value_of(rest[index], is_unsigned) + (words[index / 4] << 8);
    return words;
}

// Three rounds of MD4 (RFC 1320), cut to eight steps each.
void mix_half_md4(State& state, std::array<std::uint32_t, 8> const& words) {
    auto [a, b, c, d] = state;
    auto const choose = [](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return z ^ (x & (y ^ z)); };
    auto const majority = [](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return (x & y) + ((x ^ y) & z); };
    auto const parity = [](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return x ^ y ^ z; };

    auto const round = [&](auto function, std::uint32_t constant, std::array<std::uint8_t, 8> const& order,
                           std::array<int, 4> const& shifts) {
        for (std::size_t step = 0; step < order.size(); ++step) {
            auto const sum = a + function(b, c, d) + words[order[step]] + constant;
            a = d, d = c, c = b;
            b = std::rotl(sum, shifts[step % 4]);
        }
    };
    round(choose, 0, {0, 1, 2, 3, 4, 5, 6, 7}, {3, 7, 11, 19});
    round(majority, 0x5a82'7999, {1, 3, 5, 7, 0, 2, 4, 6}, {3, 5, 9, 13});
    round(parity, 0x6ed9'eba1, {3, 7, 2, 6, 1, 5, 0, 4}, {3, 9, 11, 15});

    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

// The Tiny Encryption Algorithm, sixteen cycles, with the name as the key.
void mix_tea(State& state, std::array<std::uint32_t, 4> const& key) {
    constexpr std::uint32_t delta = 0x9e37'79b9;
    std::uint32_t sum = 0, left = state[0], right = state[1];
    for (int cycle = 0; cycle < 16; ++cycle) {
        sum += delta;
        left += ((right << 4) + key[0]) ^ (right + sum) ^ ((right >> 5) + key[1]);
        right += ((left << 4) + key[2]) ^ (left + sum) ^ ((left >> 5) + key[3]);
    }
    state[0] += left;
    state[1] += right;
}

template <std::size_t words>
void mix_name(State& state, std::string_view name, bool is_unsigned,
              void (*mix)(State&, std::array<std::uint32_t, words> const&)) {
    while (!name.empty()) {
        mix(state, take_words<words>(name, is_unsigned));
        name.remove_prefix(std::min(name.size(), words * 4));
    }
}

std::uint32_t legacy_hash(std::string_view name, bool is_unsigned) {
    std::uint32_t current = 0x12a3'fe2d, previous = 0x37ab'e8f9;
    for (char const byte : name) {
        auto next = previous + (current ^ (value_of(byte, is_unsigned) * 7'152'373));
        if ((next & 0x8000'0000) != 0)
            next -= 0x7fff'ffff;
        previous = current;
        current = next;
    }
    return current << 1;
}

}  // namespace

std::optional<std::uint32_t> hash_name(std::string_view name, std::uint8_t stored_version,
                                       std::array<std::uint32_t, 4> const& seed, bool is_unsigned) {
    auto state = std::ranges::all_of(seed, [](std::uint32_t word) { return word == 0; }) ? default_seed : seed;
    std::uint32_t hash = 0;
    switch (static_cast<HashVersion>(stored_version)) {
    case HashVersion::legacy_unsigned: is_unsigned = true; [[fallthrough]];
    case HashVersion::legacy: hash = legacy_hash(name, is_unsigned); break;
    case HashVersion::half_md4_unsigned: is_unsigned = true; [[fallthrough]];
    case HashVersion::half_md4:
        mix_name(state, name, is_unsigned, mix_half_md4);
        hash = state[1];
        break;
    case HashVersion::tea_unsigned: is_unsigned = true; [[fallthrough]];
    case HashVersion::tea:
        mix_name(state, name, is_unsigned, mix_tea);
        hash = state[0];
        break;
    default: return std::nullopt;
    }
    hash &= ~std::uint32_t{1};
    if (hash == end_of_directory << 1)
        hash = (end_of_directory - 1) << 1;
    return hash;
}

}  // namespace astrata::ext4
