// Multiboot2 boot information (Multiboot2 specification 2.0, section 3.6).
#include "kernel/arch/x86_64/boot/doors.h"
#include "lib/base/units.h"

namespace astrata::kernel::arch {

namespace {

struct Header {
    std::uint32_t total_size;
    std::uint32_t reserved;
};
struct Tag {
    std::uint32_t type;
    std::uint32_t size;
};
struct ModuleTag {
    Tag tag;
    std::uint32_t start;
    std::uint32_t end;
};
struct MemoryMapTag {
    Tag tag;
    std::uint32_t entry_size;
    std::uint32_t entry_version;
};
struct MemoryMapEntry {
    std::uint64_t address;
    std::uint64_t length;
    std::uint32_t type;
    std::uint32_t reserved;
};

enum TagType : std::uint32_t { end = 0, command_line = 1, module = 3, memory_map = 6, rsdp_old = 14, rsdp_new = 15 };

void read_memory_map(PhysAddr address, BootInfo& info) {
    auto const map = load_early<MemoryMapTag>(address);
    if (map.entry_size < sizeof(MemoryMapEntry))
        return;
    for (std::uint64_t offset = sizeof(map); offset + map.entry_size <= map.tag.size; offset += map.entry_size) {
        auto const entry = load_early<MemoryMapEntry>(address + offset);
        add_memory_range({entry.address}, entry.length, entry.type, info);
    }
}

}  // namespace

bool read_multiboot2(PhysAddr address, BootInfo& info) {
    auto const header = load_early<Header>(address);
    for (std::uint64_t offset = sizeof(header); offset + sizeof(Tag) <= header.total_size;) {
        auto const place = address + offset;
        auto const tag = load_early<Tag>(place);
        if (tag.type == TagType::end || tag.size < sizeof(Tag))
            break;
        switch (tag.type) {
        case TagType::command_line: copy_command_line(place + sizeof(Tag), info); break;
        case TagType::module:
            if (info.archive_length == 0) {
                auto const module = load_early<ModuleTag>(place);
                info.archive_start = {module.start};
                info.archive_length = module.end - module.start;
            }
            break;
        case TagType::memory_map: read_memory_map(place, info); break;
        // The tag holds a copy of the RSDP; the newer revision, if present, comes later and wins.
        case TagType::rsdp_old:
        case TagType::rsdp_new: info.rsdp = place + sizeof(Tag); break;
        default: break;
        }
        offset += align_up(tag.size, 8);
    }
    // The information itself, with the RSDP copy in it, must not be overwritten.
    add_memory_range(address, header.total_size, 2, info);
    return true;
}

}  // namespace astrata::kernel::arch
