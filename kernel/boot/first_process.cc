#include "kernel/boot/first_process.h"

#include <algorithm>
#include <array>
#include <span>

#include "arch/direct_map.h"
#include "arch/platform.h"
#include "arch/ports.h"
#include "kernel/boot/vdso.h"
#include "kernel/log/log_object.h"
#include "kernel/log/print.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/layout.h"
#include "kernel/mem/memory_object.h"
#include "kernel/object/io_region.h"
#include "kernel/object/lookup.h"
#include "kernel/object/make_object.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/random/random.h"
#include "kernel/sched/thread.h"
#include "kernel/trap/backtrace.h"
#include "lib/cpio/archive.h"
#include "lib/elf/image.h"
#include "lib/manifest/manifest.h"
#include "lib/manifest/roles.h"
#include "lib/start/layout.h"
#include "lib/start/start_block.h"

namespace astrata::kernel {

namespace {

constexpr std::string_view program_name = "silo-manager";
// More than any machine has of each.
constexpr std::uint64_t physical_limit = std::uint64_t{1} << 52;
constexpr std::uint64_t interrupt_count = 1024;

// The archive as bytes, through the direct map.
Bytes archive_bytes(BootInfo const& info) {
#pragma clang unsafe_buffer_usage begin
    return Bytes(arch::phys_to_virt(info.archive_start), info.archive_length);
#pragma clang unsafe_buffer_usage end
}

abi::Access access_of(elf::Segment const& segment) {
    auto access = abi::Access{};
    if (segment.is_readable)
        access = access | abi::Access::read;
    if (segment.is_writable)
        access = access | abi::Access::write;
    if (segment.is_executable)
        access = access | abi::Access::execute;
    return access;
}

// Maps one segment: private memory with the file's bytes copied in if it is writable or ends in zeroes, else the
// archive's pages.
Result<> map_segment(AddressSpace& home, VirtAddr image_start, elf::Segment const& segment, Bytes file,
                     Ref<MemoryObject> archive, std::uint64_t file_offset) {
    auto const place = image_start + segment.first_page();
    auto const length = segment.end_page() - segment.first_page();
    auto const page_offset = align_down(file_offset + segment.offset, page_size);
    if (!segment.is_writable && segment.memory_size == segment.file_size) {
        TRY(home.map(std::move(archive), page_offset, place, length, access_of(segment), abi::MapFlags::fixed));
        return {};
    }
    auto& account = home.account();
    auto memory = TRY(MemoryObject::create(account, length));
    auto const into_page = segment.address - segment.first_page();
    TRY(memory->write_bytes(into_page, file.subspan(segment.offset, segment.file_size)));
    TRY(home.map(std::move(memory), 0, place, length, access_of(segment), abi::MapFlags::fixed));
    return {};
}

// The whole of what a resource line of the manifest names.
Result<Ref<KernelObject>> resource_object(Account& account, manifest::ResourceKind kind, Ref<MemoryObject> archive) {
    switch (kind) {
    case manifest::ResourceKind::port:
        return Ref<KernelObject>(TRY(make_object<IoRegion>(account, abi::IoRegionKind::port, 0U, arch::port_count)));
    case manifest::ResourceKind::memory:
        return Ref<KernelObject>(TRY(make_object<IoRegion>(account, abi::IoRegionKind::memory, 0U, physical_limit)));
    case manifest::ResourceKind::interrupt:
        return Ref<KernelObject>(
            TRY(make_object<IoRegion>(account, abi::IoRegionKind::interrupt, 0U, interrupt_count)));
    case manifest::ResourceKind::boot_archive: return Ref<KernelObject>(std::move(archive));
    case manifest::ResourceKind::kernel_log: return Ref<KernelObject>(TRY(make_object<Log>(account)));
    }
    return fail(Error::invalid_argument);
}

}  // namespace

Result<> start_first_process(BootInfo const& info, Silo& root) {
    if (info.archive_length == 0)
        return fail(Error::not_found);
    auto& account = root.memory();
    auto const bytes = archive_bytes(info);
    if (auto symbols = cpio::find(bytes, "bedrock.symbols"); symbols)
        set_kernel_symbols(as_text(symbols->contents));
    auto const program = TRY(cpio::find(bytes, "strates/silo-manager"));
    auto const manifest_file = TRY(cpio::find(bytes, "manifests/silo-manager"));
    auto const own_manifest = TRY(manifest::Manifest::decode(manifest_file.contents));
    auto const image = TRY(elf::plan(program.contents, arch::elf_machine, start::image_limit));
    if (!image.is_position_independent || !is_aligned(program.contents_offset, page_size))
        return fail(Error::bad_executable);

    TRY(prepare_vdso(account));
    auto archive = TRY(MemoryObject::create_physical(
        account, info.archive_start, align_up(info.archive_length, page_size), MemoryObject::Caching::cached));
    auto process = TRY(Process::create(Ref<Silo>::share(root), program_name, abi::IsolationMode::user));
    auto& home = process->home();
    std::array<std::uint64_t, 2> random{};
    fill_random(std::as_writable_bytes(std::span(random)));
    VirtAddr const image_start{start::user_home + start::image_offset(random[0])};
    for (auto const& segment : image.segments.span())
        TRY(map_segment(home, image_start, segment, program.contents, archive, program.contents_offset));

    VirtAddr const stack_area{start::user_home + start::stack_area_offset(random[1])};
    auto const stack_top = stack_area + start::stack_slot_bytes;
    TRY(home.map_anonymous(stack_top - start::main_stack_bytes, start::main_stack_bytes,
                           abi::Access::read | abi::Access::write, abi::MapFlags::fixed));
    TRY(home.map_anonymous(stack_area, page_size, abi::Access::read | abi::Access::write, abi::MapFlags::fixed));

    auto thread = TRY(Thread::create(*process, "main"));
    auto& handles = process->handles();
    auto const give = [&handles](Ref<KernelObject> object) { return handles.insert(std::move(object), all_rights); };
    start::OwnHandles const own{
        .process = TRY(give(process)),
        .home = TRY(give(Ref<AddressSpace>::share(home))),
        .silo = TRY(give(Ref<Silo>::share(root))),
        .thread = TRY(give(thread)),
        .log = TRY(give(TRY(make_object<Log>(account)))),
    };
    start::StartBlockWriter block(own, program_name, 0);
    for (std::size_t i = 0; i < own_manifest.resources.size(); ++i) {
        auto object = TRY(resource_object(account, own_manifest.resources[i].kind, archive));
        TRY(block.add_grant(
            {.role = manifest::role_of_resource(own_manifest, i), .index = 0, .handle = TRY(give(std::move(object)))}));
    }
    if (own_manifest.has(manifest::Privilege::root_silo)) {
        auto const role = manifest::role_of_privilege(own_manifest, manifest::Privilege::root_silo);
        TRY(block.add_grant({.role = role, .index = 0, .handle = TRY(give(Ref<Silo>::share(root)))}));
    }

    auto page = TRY(MemoryObject::create(account, page_size));
    TRY(page->write_bytes(0, block.finish()));
    TRY(home.map(std::move(page), 0, {start::user_home + start::start_block_offset}, page_size, abi::Access::read,
                 abi::MapFlags::fixed));
    TRY(thread->start(image_start.value + image.entry, stack_top.value, start::user_home + start::start_block_offset,
                      process->vdso().value, nullptr));
    return {};
}

}  // namespace astrata::kernel
