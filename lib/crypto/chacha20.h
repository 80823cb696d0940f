// The ChaCha20 block function (RFC 8439, section 2.3).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace astrata::crypto {

using ChaChaKey = std::array<std::uint32_t, 8>;
using ChaChaBlock = std::array<std::uint32_t, 16>;

/// One 64-byte block, as sixteen words that are stored little-endian.
constexpr ChaChaBlock chacha20_block(ChaChaKey const& key, std::uint32_t counter, std::array<std::uint32_t, 3> const& nonce) {
    ChaChaBlock const start = {0x6170'7865, 0x3320'646e, 0x7962'2d32, 0x6b20'6574, key[0], key[1], key[2], key[3],
                               key[4], key[5], key[6], key[7], counter, nonce[0], nonce[1], nonce[2]};
    auto state = start;
    auto quarter_round = [&state](std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
        state[a] += state[b], state[d] = std::rotl(state[d] ^ state[a], 16);
        state[c] += state[d], state[b] = std::rotl(state[b] ^ state[c], 12);
        state[a] += state[b], state[d] = std::rotl(state[d] ^ state[a], 8);
        state[c] += state[d], state[b] = std::rotl(state[b] ^ state[c], 7);
    };
    for (int round = 0; round < 10; ++round) {
        quarter_round(0, 4, 8, 12), quarter_round(1, 5, 9, 13), quarter_round(2, 6, 10, 14), quarter_round(3, 7, 11, 15);
        quarter_round(0, 5, 10, 15), quarter_round(1, 6, 11, 12), quarter_round(2, 7, 8, 13), quarter_round(3, 4, 9, 14);
    }
    for (std::size_t i = 0; i < state.size(); ++i)
        state[i] += start[i];
    return state;
}

}  // namespace astrata::crypto
