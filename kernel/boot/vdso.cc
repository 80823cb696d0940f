#include "kernel/boot/vdso.h"

#include "arch/cpu.h"
#include "arch/direct_map.h"
#include "kernel/log/print.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/layout.h"
#include "kernel/mem/memory_object.h"
#include "kernel/time/clock.h"
#include "lib/start/layout.h"
#include "lib/start/vdso_data.h"

extern "C" {
extern char const __vdso_start[];
extern char const __vdso_end[];
}

namespace astrata::kernel {

namespace {

constinit MemoryObject* code = nullptr;
constinit MemoryObject* data_page = nullptr;
constinit VdsoData* data = nullptr;
constinit std::uint64_t code_length = 0;
constinit std::atomic<std::uint64_t> first_user = 0;

}  // namespace

Result<> prepare_vdso(Account& account) {
    auto const start = reinterpret_cast<std::uint64_t>(&__vdso_start);
    code_length = reinterpret_cast<std::uint64_t>(&__vdso_end) - start;
    code = TRY(MemoryObject::create_physical(account, {start - layout::image.value}, code_length, MemoryObject::Caching::cached)).leak();
    data_page = TRY(MemoryObject::create_contiguous(account, page_size)).leak();
    data = ::new (arch::phys_to_virt(data_page->device_address())) VdsoData{};
    auto const conversion = clock::conversion();
    data->counter_base = conversion.counter_base;
    data->multiplier = conversion.multiplier;
    return {};
}

Result<> map_vdso(AddressSpace& home) {
    constexpr VirtAddr place{start::vdso_address};
    TRY(home.map(Ref<MemoryObject>::share(*code), 0, place, code_length, abi::Access::read | abi::Access::execute, abi::MapFlags::fixed));
    TRY(home.map(Ref<MemoryObject>::share(*data_page), 0, place - page_size, page_size, abi::Access::read, abi::MapFlags::fixed));
    return {};
}

void set_wall_offset(std::uint64_t offset_ns) {
    data->wall_offset_ns.store(offset_ns, std::memory_order_relaxed);
}
std::uint64_t wall_offset() {
    return data->wall_offset_ns.load(std::memory_order_relaxed);
}

std::uint64_t first_user_ticks() {
    return first_user.load(std::memory_order_relaxed);
}
void note_first_user_instruction() {
    std::uint64_t none = 0;
    auto const ticks = arch::timestamp();
    if (first_user.compare_exchange_strong(none, ticks, std::memory_order_relaxed))
        print("first instruction of a Linux program, ", ticks, " counter ticks after reset");
}

}  // namespace astrata::kernel
