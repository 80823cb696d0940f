#include "lib/acpi/affinity.h"

namespace astrata::acpi {

Result<numa::NodeMap> read_affinity(Bytes srat) {
    numa::NodeMap map;
    auto reader = TRY(SratReader::create(srat));
    while (auto const entry = reader.next()) {
        if (auto const* memory = std::get_if<MemoryAffinity>(&*entry))
            TRY(map.add_memory(memory->node, memory->base, memory->length));
        else if (auto const* processor = std::get_if<CpuAffinity>(&*entry))
            TRY(map.add_processor(processor->node, processor->apic_id));
    }
    if (map.memory().empty())
        return fail(Error::not_found);
    return map;
}

Result<> read_distances(Bytes table, numa::NodeMap& map) {
    auto const slit = TRY(parse_slit(table));
    return map.set_distances([&slit](std::uint32_t from, std::uint32_t to) { return slit.distance(from, to); });
}

}  // namespace astrata::acpi
