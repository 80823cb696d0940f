#include "strates/linux/exec/program_vdso.h"

#include <memory>
#include <span>

#include "abi/system_calls.h"
#include "lib/base/units.h"
#include "lib/elf/dynamic.h"
#include "lib/start/layout.h"
#include "linux_calls/machine.h"
#include "sdk/own.h"
#include "strates/linux/exec/program_clock.h"

extern "C" {
extern std::byte const program_vdso_image_start;
extern std::byte const program_vdso_image_end;
}

namespace astrata::linux_abi {
namespace {

abi::Handle object = 0;  // the clock's page, then the file
std::uint64_t length = 0;
std::uint64_t signal_return = 0;

// The file's place for the named symbol. It is linked at 0.
Result<std::uint64_t> find_symbol(Bytes file, std::string_view name) {
    auto const image = TRY(elf::plan(file, machine::elf_machine, guest_limit));
    return TRY(elf::Dynamic::parse(file, image)).find(name);
}

}  // namespace

Result<> prepare_program_vdso() {
#pragma clang unsafe_buffer_usage begin  // the two ends of one section
    Bytes const image(&program_vdso_image_start, &program_vdso_image_end);
#pragma clang unsafe_buffer_usage end
    if (!machine::signal_return_symbol.empty())
        signal_return = TRY(find_symbol(image, machine::signal_return_symbol));
    length = page_size + align_up(image.size(), page_size);
    object = TRY(sys::memory_object_create(length));
    ProgramClock const clock{.counter_base = sdk::machine().counter_base, .multiplier = sdk::machine().multiplier};
    TRY(sys::memory_object_write(object, 0, std::as_bytes(std::span(&clock, 1))));
    TRY(sys::memory_object_write(object, page_size, image));
    return {};
}

std::uint64_t signal_return_offset() {
    return signal_return;
}

LinuxResult<std::uint64_t> map_program_vdso(Memory& memory) {
    auto const place = LTRY(memory.map(0, length, protection::read | protection::execute, map_flag::private_copy,
                                       {.object = object}, RegionKind::vdso));
    return place + page_size;
}

}  // namespace astrata::linux_abi
