#include "lib/checksum/crc16.h"

#include <array>

namespace astrata::checksum {
namespace {

constexpr std::uint16_t polynomial = 0xa001;  // 0x8005 reflected

constexpr auto table = [] {
    std::array<std::uint16_t, 256> built{};
    for (std::uint16_t byte = 0; byte < 256; ++byte) {
        std::uint16_t remainder = byte;
        for (int bit = 0; bit < 8; ++bit)
            remainder = static_cast<std::uint16_t>((remainder >> 1) ^ ((remainder & 1) != 0 ? polynomial : 0));
        built[byte] = remainder;
    }
    return built;
}();

}  // namespace

std::uint16_t crc16_update(std::uint16_t state, Bytes bytes) {
    for (auto const byte : bytes)
        state = static_cast<std::uint16_t>((state >> 8) ^ table[(state ^ static_cast<std::uint16_t>(byte)) & 0xff]);
    return state;
}

}  // namespace astrata::checksum
