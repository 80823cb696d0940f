#include "lib/acpi/virtio_mmio.h"

#include <string_view>

namespace astrata::acpi {

namespace {

constexpr std::string_view hardware_id = "LNRO0005";
constexpr std::size_t device_bytes = 128;  // a device's own package is far shorter

// Resource descriptors, ACPI 6.5 section 6.4.
constexpr std::uint8_t fixed_memory = 0x86, extended_interrupt = 0x89, end_tag = 0x79;

// Reads descriptors from `bytes` on until the end tag.
Result<VirtioMmioDevice> decode_resources(Bytes bytes) {
    VirtioMmioDevice device;
    bool has_interrupt = false;
    ByteReader reader(bytes);
    for (;;) {
        auto const tag = TRY(reader.read<std::uint8_t>());
        if (tag == end_tag)
            break;
        if ((tag & 0x80) == 0) {  // a small descriptor carries its length in the tag
            TRY(reader.take(tag & 7));
            continue;
        }
        auto const length = TRY(reader.read<std::uint16_t>());
        auto const body = TRY(reader.take(length));
        if (tag == fixed_memory) {
            device.base = PhysAddr {
                TRY(load<std::uint32_t>(body, 1))
            };
            device.length = TRY(load<std::uint32_t>(body, 5));
        } else if (tag == extended_interrupt) {
            auto const flags = TRY(load<std::uint8_t>(body, 0));
            device.is_edge = (flags & 2) != 0;
            device.is_active_low = (flags & 4) != 0;
            device.interrupt = TRY(load<std::uint32_t>(body, 2));
            has_interrupt = true;
        }
    }
    if (device.base.value == 0 || device.length == 0 || !has_interrupt)
        return fail(Error::not_found);
    return device;
}

// The resource template begins somewhere behind the id: its memory descriptor (always 9 bytes long) is looked for.
Result<VirtioMmioDevice> decode_device(Bytes after_id) {
    constexpr std::string_view memory_descriptor("\x86\x09\x00", 3);
    auto const nearby = after_id.first(std::min(after_id.size(), device_bytes));
    auto const start = as_text(nearby).find(memory_descriptor);
    if (start == std::string_view::npos)
        return fail(Error::not_found);
    return decode_resources(nearby.subspan(start));
}

}  // namespace

Result<VirtioMmioDevice> find_virtio_mmio(Bytes block, std::size_t position) {
    auto const text = as_text(block);
    for (auto at = text.find(hardware_id); at != text.npos; at = text.find(hardware_id, at + 1)) {
        auto const device = decode_device(block.subspan(at + hardware_id.size()));
        if (device && position-- == 0)
            return device;
    }
    return fail(Error::not_found);
}

}  // namespace astrata::acpi
