// The first instructions of every strate: relocate the image, find the system calls, decode the environment, run.
#include <cstdint>
#include <span>

#include "abi/system_calls.h"
#include "lib/base/units.h"
#include "lib/elf/dynamic.h"
#include "lib/elf/image.h"
#include "lib/start/layout.h"
#include "lib/start/start_block.h"
#include "lib/start/vdso_data.h"
#include "machine/elf.h"
#include "machine/start.h"
#include "sdk/environment.h"
#include "sdk/foreign_memory.h"
#include "sdk/log.h"
#include "sdk/own.h"
#include "sdk/thread_context.h"

extern "C" {
// The linker's: the constructors of static objects.
using Constructor = void (*)();
extern Constructor const __init_array_start[] __attribute__((visibility("hidden")));
extern Constructor const __init_array_end[] __attribute__((visibility("hidden")));
extern std::uint64_t __stack_chk_guard;  // failure.cc
}

namespace astrata {

extern "C" {
VdsoTable astrata_vdso;
}

namespace sdk {

constinit bool foreign_memory_is_guarded = false;

namespace {

#pragma clang unsafe_buffer_usage begin  // the image and the vDSO are where the loader and Bedrock put them

/// Bytes that belong to this process for as long as it runs.
MutableBytes memory_at(std::uint64_t address, std::uint64_t size) {
    return {reinterpret_cast<std::byte*>(address), size};
}

/// The dynamic section's entries, as the linker wrote them.
struct DynamicEntry {
    std::uint64_t tag;
    std::uint64_t value;
};

/// Applies the relative relocations to the own image. Runs before anything that holds an address may be used: it calls
/// nothing.
[[gnu::always_inline]] inline void relocate_self(std::uint64_t base, DynamicEntry const* dynamic) {
    std::uint64_t relocations = 0, size = 0;
    for (; dynamic->tag != 0; ++dynamic) {
        if (dynamic->tag == 7)  // DT_RELA
            relocations = dynamic->value;
        else if (dynamic->tag == 8)  // DT_RELASZ
            size = dynamic->value;
    }
    struct Rela {
        std::uint64_t offset, info, addend;
    };
    auto const* at = reinterpret_cast<Rela const*>(base + relocations);
    for (std::uint64_t done = 0; done + sizeof(Rela) <= size; done += sizeof(Rela), ++at) {
        if (static_cast<std::uint32_t>(at->info) == elf::relocation_relative)
            *reinterpret_cast<std::uint64_t*>(base + at->offset) = base + at->addend;
    }
}

/// One pointer for each name in vdso_symbol_names.
std::span<std::uint64_t> table_slots() {
    return {reinterpret_cast<std::uint64_t*>(&astrata_vdso), vdso_symbol_names.size()};
}

void run_constructors() {
    for (auto const* constructor = __init_array_start; constructor != __init_array_end; ++constructor)
        (*constructor)();
}

#pragma clang unsafe_buffer_usage end

/// Without system calls there is nothing to complain to.
[[noreturn]] void give_up() {
    __builtin_trap();
}

/// The headers of an ELF image that lies loaded at `base`.
Result<elf::Image> image_at(std::uint64_t base) {
    constexpr std::uint64_t largest = 1 << 30;
    auto const first_page = Bytes(memory_at(base, page_size));
    auto const headers = TRY(elf::program_headers(first_page, page_size, elf::own_machine));
    auto const planned = TRY(elf::plan(first_page, first_page.subspan(headers.offset, headers.size), largest,
                                       elf::own_machine, largest));
    return planned.as_loaded();
}

/// Fills the table from the vDSO's dynamic symbols.
Result<> resolve_vdso(std::uint64_t base) {
    auto const image = TRY(image_at(base));
    auto const dynamic = TRY(elf::Dynamic::parse(memory_at(base, image.end()), image));
    auto slot = table_slots().begin();
    for (auto const name : vdso_symbol_names) {
        *slot = base + TRY(dynamic.find(name));
        ++slot;
    }
    return {};
}

/// From here on nobody can change what only relocation had to write: the table of virtual functions, for instance.
Result<> protect_relocated(std::uint64_t base) {
    auto const image = TRY(image_at(base));
    if (auto const range = image.read_only_after_relocation) {
        auto const begin = align_up(base + range->address, page_size);
        auto const end = align_down(base + range->address + range->size, page_size);
        if (begin < end)
            TRY(sys::address_space_protect(own().home, begin, end - begin, abi::Access::read));
    }
    return {};
}

// From here on functions can tell that their stack was overwritten. A string that is copied too far cannot get past a
// byte that is 0.
[[gnu::no_stack_protector]] void set_canary() {
    std::uint64_t random = 0;
    if (sys::random_read(std::as_writable_bytes(std::span(&random, 1))))
        __stack_chk_guard = random & ~std::uint64_t{0xff};
}

// Never returns, so that the canary may change below it.
[[noreturn, gnu::no_stack_protector]] void run(std::uint64_t block_address, std::uint64_t vdso,
                                               abi::MessageBuffer* buffer, std::uint64_t base) {
    if (!resolve_vdso(vdso))
        give_up();
    set_canary();
    auto const& machine = *reinterpret_cast<VdsoData const*>(vdso - page_size);
    use_processor(machine);
    foreign_memory_is_guarded = start::is_hosted_in_kernel(vdso) && machine.guards_user_memory;
    auto const block = start::StartBlock::parse(memory_at(block_address, start::start_block_limit));
    if (!block)
        sys::process_exit(1);
    auto const& handles = block->header().own;
    auto& context = thread_context();
    own() = {.process = handles.process,
             .home = handles.home,
             .silo = handles.silo,
             .log = handles.log,
             .stack_area = reinterpret_cast<std::uint64_t>(&context),
             .vdso = vdso};
    context.message_buffer = buffer;
    context.thread = handles.thread;
    context.stack_bytes = start::main_stack_bytes;
    if (auto const is_protected = protect_relocated(base); !is_protected)
        log("start: cannot protect relocated data: ", is_protected.error());
    run_constructors();
    auto const result = run_strate(*block);
    flush_deferred_reply();
    if (!result) {
        log("ended by an error: ", result.error());
        sys::process_exit(1);
    }
    sys::process_exit(0);
}

}  // namespace

}  // namespace sdk

// What the machine's first instructions call (start.S): with Bedrock's arguments, and where the image and its dynamic section lie.
extern "C" [[noreturn, gnu::used, gnu::no_stack_protector]] void astrata_start(std::uint64_t block, std::uint64_t vdso,
                                                                               abi::MessageBuffer* buffer,
                                                                               std::uint64_t base,
                                                                               sdk::DynamicEntry const* dynamic) {
    sdk::relocate_self(base, dynamic);
    // Everything else must not be moved before the relocation.
    asm volatile("" : : : "memory");
    sdk::run(block, vdso, buffer, base);
}

}  // namespace astrata
