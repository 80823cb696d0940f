#include "lib/checksum/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>

namespace astrata::checksum {
namespace {

constexpr std::uint32_t polynomial = 0x82f6'3b78;  // reflected: bit 0 is the highest power
constexpr std::size_t slices = 8;

// tables[k][b] is the CRC of byte b followed by k zero bytes, so that eight input bytes need eight independent look-ups
// instead of a chain of eight.
constexpr auto tables = [] {
    std::array<std::array<std::uint32_t, 256>, slices> built{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        auto remainder = byte;
        for (int bit = 0; bit < 8; ++bit)
            remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? polynomial : 0);
        built[0][byte] = remainder;
    }
    for (std::size_t slice = 1; slice < slices; ++slice) {
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            auto const before = built[slice - 1][byte];
            built[slice][byte] = (before >> 8) ^ built[0][before & 0xff];
        }
    }
    return built;
}();

}  // namespace

std::uint32_t crc32c_update(std::uint32_t state, Bytes bytes) {
    while (bytes.size() >= slices) {
        auto const word = std::uint64_t{*load<le64>(bytes, 0)} ^ state;  // there are eight bytes
        state = tables[7][word & 0xff] ^ tables[6][(word >> 8) & 0xff] ^ tables[5][(word >> 16) & 0xff] ^
                tables[4][(word >> 24) & 0xff] ^ tables[3][(word >> 32) & 0xff] ^ tables[2][(word >> 40) & 0xff] ^
                tables[1][(word >> 48) & 0xff] ^ tables[0][word >> 56];
        bytes = bytes.subspan(slices);
    }
    for (auto const byte : bytes)
        state = (state >> 8) ^ tables[0][(state ^ static_cast<std::uint32_t>(byte)) & 0xff];
    return state;
}

}  // namespace astrata::checksum
