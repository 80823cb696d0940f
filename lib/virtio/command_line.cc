#include "lib/virtio/command_line.h"

#include "lib/base/numbers.h"

namespace astrata::virtio {

namespace {

constexpr std::string_view prefix = "virtio_mmio.device=";

// A decimal or 0x number at the front of `text`, which is moved behind it.
std::optional<std::uint64_t> take_either_number(std::string_view& text) {
    if (!text.starts_with("0x"))
        return take_number(text, 10);
    text.remove_prefix(2);
    return take_number(text, 16);
}

bool take(std::string_view& text, char expected) {
    if (!text.starts_with(expected))
        return false;
    text.remove_prefix(1);
    return true;
}

std::optional<AnnouncedDevice> decode(std::string_view text) {
    auto length = take_either_number(text);
    if (!length)
        return std::nullopt;
    for (auto const [letter, shift] : {std::pair('K', 10), std::pair('M', 20), std::pair('G', 30)}) {
        if (take(text, letter)) {
            if (*length >> (64 - shift) != 0)
                return std::nullopt;
            *length <<= shift;
            break;
        }
    }
    if (!take(text, '@'))
        return std::nullopt;
    auto const base = take_either_number(text);
    if (!base || !take(text, ':'))
        return std::nullopt;
    auto const interrupt = take_either_number(text);
    if (!interrupt || *interrupt > 0xffff || *length == 0 || *base + *length < *base)
        return std::nullopt;
    return AnnouncedDevice{
        .base = PhysAddr{*base}, .length = *length, .interrupt = static_cast<std::uint32_t>(*interrupt)};
}

}  // namespace

std::optional<AnnouncedDevice> announced_device(std::string_view line, std::size_t position) {
    while (!line.empty()) {
        auto const end = line.find(' ');
        auto const word = line.substr(0, end);
        line.remove_prefix(end == line.npos ? line.size() : end + 1);
        if (!word.starts_with(prefix))
            continue;
        auto const device = decode(word.substr(prefix.size()));
        if (device && position-- == 0)
            return device;
    }
    return std::nullopt;
}

}  // namespace astrata::virtio
