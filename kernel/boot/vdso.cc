#include "kernel/boot/vdso.h"

#include <array>
#include <span>

#include "arch/cpu.h"
#include "arch/direct_map.h"
#include "arch/processor_info.h"
#include "kernel/log/print.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/layout.h"
#include "kernel/mem/memory_object.h"
#include "kernel/random/random.h"
#include "kernel/time/clock.h"
#include "lib/start/layout.h"
#include "lib/start/vdso_data.h"

extern "C" {
extern char const vdso_image_start[];
extern char const vdso_image_end[];
extern char const hosted_vdso_image_start[];
extern char const hosted_vdso_image_end[];
}

namespace astrata::kernel {

namespace {

struct Code {
    MemoryObject* object = nullptr;
    std::uint64_t length = 0;
};
constinit Code code;
constinit Code hosted_code;
constinit MemoryObject* data_page = nullptr;
constinit VdsoData* data = nullptr;
constinit std::atomic<std::uint64_t> first_user = 0;

Result<Code> code_of(Account& account, char const* start, char const* end) {
    auto const first = reinterpret_cast<std::uint64_t>(start);
    auto const length = align_up(reinterpret_cast<std::uint64_t>(end) - first, page_size);
    auto object = TRY(
        MemoryObject::create_physical(account, {first - layout::image.value}, length, MemoryObject::Caching::cached));
    return Code{object.leak(), length};
}

}  // namespace

Result<> prepare_vdso(Account& account) {
    code = TRY(code_of(account, vdso_image_start, vdso_image_end));
    hosted_code = TRY(code_of(account, hosted_vdso_image_start, hosted_vdso_image_end));
    data_page = TRY(MemoryObject::create_contiguous(account, page_size)).leak();
    data = ::new (arch::phys_to_virt(data_page->device_address())) VdsoData{};
    auto const conversion = clock::conversion();
    data->counter_base = conversion.counter_base;
    data->multiplier = conversion.multiplier;
    arch::describe_processor(*data);
    return {};
}

Result<VirtAddr> furnish_home(AddressSpace& home) {
    std::array<std::uint64_t, 2> random{};
    fill_random(std::as_writable_bytes(std::span(random)));
    home.look_for_room_below(home.first_address() + start::map_top_offset(random[0]));
    auto const place = home.first_address() + start::vdso_offset(random[1]);
    auto const& mapped = home.is_hosted() ? hosted_code : code;
    TRY(home.map(Ref<MemoryObject>::share(*mapped.object), 0, place, mapped.length,
                 abi::Access::read | abi::Access::execute, abi::MapFlags::fixed));
    TRY(home.map(Ref<MemoryObject>::share(*data_page), 0, place - page_size, page_size, abi::Access::read,
                 abi::MapFlags::fixed));
    return place;
}

void set_wall_offset(std::uint64_t offset_ns) {
    data->wall_offset_ns.store(offset_ns, std::memory_order_relaxed);
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
