// PVH start info (Xen public/arch-x86/hvm/start_info.h, versions 0 and 1).
#include "kernel/arch/x86_64/boot/doors.h"

#include <cstring>

#include "lib/base/bytes.h"

namespace astrata::kernel::arch {

namespace {

struct StartInfo {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t flags;
    std::uint32_t module_count;
    std::uint64_t modules;
    std::uint64_t command_line;
    std::uint64_t rsdp;
    std::uint64_t memory_map;       // from version 1 on
    std::uint32_t memory_map_count;
    std::uint32_t reserved;
};
static_assert(sizeof(StartInfo) == 56);

struct Module {
    std::uint64_t address;
    std::uint64_t size;
    std::uint64_t command_line;
    std::uint64_t reserved;
};

struct MapEntry {
    std::uint64_t address;
    std::uint64_t size;
    std::uint32_t type;             // as in the E820 map
    std::uint32_t reserved;
};

constexpr std::uint32_t start_magic = 0x336e'c578;

}  // namespace

bool read_pvh(PhysAddr address, BootInfo& info) {
    auto const start = load_early<StartInfo>(address);
    if (start.magic != start_magic)
        return false;
    info.rsdp = {start.rsdp};
    if (start.command_line != 0)
        copy_command_line({start.command_line}, info);
    if (start.module_count != 0) {
        auto const module = load_early<Module>({start.modules});
        info.archive_start = {module.address};
        info.archive_length = module.size;
    }
    if (start.version >= 1) {
        for (std::uint32_t i = 0; i < start.memory_map_count; ++i) {
            auto const entry = load_early<MapEntry>({start.memory_map + i * sizeof(MapEntry)});
            add_memory_range({entry.address}, entry.size, entry.type, info);
        }
    }
    return true;
}

}  // namespace astrata::kernel::arch
