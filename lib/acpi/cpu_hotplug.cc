#include "lib/acpi/cpu_hotplug.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace astrata::acpi::cpu_hotplug {

namespace {

// OperationRegion(PRST, SystemIO, port, 12), ACPI 6.5 section 20.2.5.2: the port is a word constant, the length a byte's.
constexpr std::string_view region_name = "PRST";
constexpr std::array before = {std::byte{0x5b}, std::byte{0x80}};
constexpr std::array system_io_word = {std::byte{0x01}, std::byte{0x0b}};
constexpr std::array length = {std::byte{0x0a}, std::byte{register_bytes}};

bool has_at(Bytes bytes, std::size_t offset, Bytes wanted) {
    return offset <= bytes.size() && wanted.size() <= bytes.size() - offset &&
           std::ranges::equal(bytes.subspan(offset, wanted.size()), wanted);
}

}  // namespace

Result<std::uint16_t> find(Bytes block) {
    auto const text = as_text(block);
    for (auto at = text.find(region_name); at != text.npos; at = text.find(region_name, at + 1)) {
        auto const port = at + region_name.size() + system_io_word.size();
        if (at >= before.size() && has_at(block, at - before.size(), before) && has_at(block, at + region_name.size(), system_io_word) &&
            has_at(block, port + 2, length))
            return load<std::uint16_t>(block, port);
    }
    return fail(Error::not_found);
}

}  // namespace astrata::acpi::cpu_hotplug
