// Feeds arbitrary bytes to every table parser, with signature and checksum repaired so that the inner parts are
// reached.
#include <vector>

#include "lib/acpi/affinity.h"
#include "lib/acpi/cpu_hotplug.h"
#include "lib/acpi/tables.h"
#include "lib/acpi/virtio_mmio.h"

using namespace astrata;
using namespace astrata::acpi;

namespace {

void repair(std::vector<std::byte>& bytes, Signature name) {
    if (bytes.size() < header_bytes)
        return;
    (void)store(bytes, 0, name);
    (void)store(bytes, 4, static_cast<std::uint32_t>(bytes.size()));
    (void)store(bytes, 9, std::uint8_t{0});
    unsigned sum = 0;
    for (auto const byte : bytes)
        sum += std::to_integer<unsigned>(byte);
    (void)store(bytes, 9, static_cast<std::uint8_t>(0 - sum));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
#pragma clang unsafe_buffer_usage begin  // libFuzzer's interface is a pointer and a length
    Bytes const input = std::as_bytes(std::span(data, size));
#pragma clang unsafe_buffer_usage end
    (void)find_rsdp(input);
    (void)find_soft_off_sleep_type(input);
    (void)find_virtio_mmio(input, 3);
    (void)cpu_hotplug::find(input);
    std::vector<std::byte> bytes(input.begin(), input.end());
    repair(bytes, signature("APIC"));
    if (auto const madt = parse_madt(bytes)) {
        MadtReader reader(*madt);
        while (reader.next()) {
        }
    }
    repair(bytes, signature("MCFG"));
    for (std::size_t position = 0; position < mcfg_window_count(bytes).value_or(0); ++position)
        (void)mcfg_window(bytes, position);
    repair(bytes, signature("FACP"));
    (void)parse_fadt(bytes);
    repair(bytes, signature("HPET"));
    (void)parse_hpet(bytes);
    repair(bytes, signature("SRAT"));
    if (auto reader = SratReader::create(bytes)) {
        while (reader->next()) {
        }
    }
    auto map = read_affinity(bytes);
    repair(bytes, signature("SLIT"));
    if (map)
        (void)read_distances(bytes, *map);
    (void)parse_slit(bytes);
    return 0;
}
