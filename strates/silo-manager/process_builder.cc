#include "strates/silo-manager/process_builder.h"

#include <array>
#include <span>

#include "lib/elf/image.h"
#include "lib/start/layout.h"
#include "machine/elf.h"
#include "sdk/memory.h"

namespace astrata::silo_manager {

namespace {

using abi::Rights;

// What a process may do with its own objects. Its silo it may only look at: limits are set by whoever made the silo.
constexpr Rights own_process_rights =
    Rights::manage | Rights::inspect | Rights::receive | Rights::duplicate | Rights::transfer;
constexpr Rights own_home_rights = Rights::read | Rights::write | Rights::duplicate;
constexpr Rights own_silo_rights = Rights::inspect | Rights::duplicate;
constexpr Rights own_log_rights = Rights::read | Rights::write | Rights::inspect | Rights::duplicate | Rights::transfer;

std::uint64_t fixed(abi::Access access) {
    return sdk::access_and_flags(access, abi::MapFlags::fixed | abi::MapFlags::exclusive);
}

abi::Access access_of(elf::Segment const& segment) {
    auto access = abi::Access::none;
    if (segment.is_readable)
        access |= abi::Access::read;
    if (segment.is_writable)
        access |= abi::Access::write;
    if (segment.is_executable)
        access |= abi::Access::execute;
    return access;
}

}  // namespace

Result<ProcessBuilder> ProcessBuilder::create(abi::Handle silo, std::string_view name, abi::IsolationMode isolation) {
    auto const created = TRY(sys::process_create(silo, as_bytes(name), isolation));
    ProcessBuilder builder;
    builder.process_ = sdk::UniqueHandle(created.process);
    builder.home_ = sdk::UniqueHandle(created.home);
    builder.home_base_ = start::home_of(created.vdso);
    builder.vdso_ = created.vdso;
    std::array<std::uint64_t, 2> random{};
    TRY(sys::random_read(std::as_writable_bytes(std::span(random))));
    builder.image_base_ = builder.home_base_ + start::image_offset(random[0]);
    builder.stack_area_ = builder.home_base_ + start::stack_area_offset(random[1]);
    builder.thread_ =
        sdk::UniqueHandle(TRY(sys::thread_create(builder.process_.get(), as_bytes(std::string_view("main")))));
    return builder;
}

Result<abi::Handle> ProcessBuilder::give(sdk::UniqueHandle handle) {
    auto const value = TRY(sys::handle_transfer(process_.get(), handle.get()));
    (void)handle.release();
    return value;
}

Result<abi::Handle> ProcessBuilder::give_copy(abi::Handle handle, Rights rights, std::uint64_t badge) {
    return give(sdk::UniqueHandle(TRY(sys::handle_duplicate(handle, rights, badge))));
}

Result<> ProcessBuilder::map_fresh(std::uint64_t address, std::uint64_t length) {
    TRY(sys::address_space_map_anonymous(home_.get(), address, length, fixed(sdk::read_write)));
    return {};
}

Result<> ProcessBuilder::load(Program const& program, abi::Handle archive) {
    auto const image =
        TRY(elf::plan(program.image, elf::own_machine, start::image_limit));
    if (!image.is_position_independent || image.has_shared_pages || image.interpreter)
        return fail(Error::bad_executable);
    bool const is_mappable = is_aligned(program.image_offset, page_size);
    for (auto const& segment : image.segments) {
        if (segment.is_writable && segment.is_executable)
            return fail(Error::bad_executable);
        auto const address = image_base_ + segment.first_page();
        auto const length = segment.end_page() - segment.first_page();
        auto const file_pages = align_up(segment.address + segment.file_size, page_size) - segment.first_page();
        if (!segment.is_writable && is_mappable && file_pages == length) {
            auto const offset = program.image_offset + align_down(segment.offset, page_size);
            TRY(sys::address_space_map(home_.get(), archive, offset, address, length, fixed(access_of(segment))));
            continue;
        }
        TRY(map_fresh(address, length));
        if (segment.file_size != 0) {
            auto const contents = program.image.subspan(segment.offset, segment.file_size);
            TRY(sys::address_space_write(home_.get(), image_base_ + segment.address, contents));
        }
        if (!segment.is_writable)
            TRY(sys::address_space_protect(home_.get(), address, length, access_of(segment)));
    }
    entry_ = image_base_ + image.entry;
    return {};
}

Result<start::OwnHandles> ProcessBuilder::give_own(abi::Handle silo, abi::Handle log) {
    start::OwnHandles own;
    own.process = TRY(give_copy(process_.get(), own_process_rights));
    own.home = TRY(give_copy(home_.get(), own_home_rights));
    own.silo = TRY(give_copy(silo, own_silo_rights));
    own.thread = TRY(give_copy(thread_.get(), Rights::manage | Rights::inspect | Rights::duplicate));
    own.log = TRY(give_copy(log, own_log_rights));
    return own;
}

Result<sdk::UniqueHandle> ProcessBuilder::start(start::StartBlockWriter& block) {
    auto const stack_area = stack_area_;
    auto const stack_top = stack_area + start::stack_slot_bytes;
    auto const block_address = home_base_ + start::start_block_offset;
    TRY(map_fresh(stack_area, page_size));  // the first thread's context
    TRY(map_fresh(stack_top - start::main_stack_bytes, start::main_stack_bytes));
    auto const committed = sdk::committed_stack_bytes(home_base_, start::main_stack_bytes);
    TRY(sys::address_space_commit(home_.get(), stack_top - committed, committed));
    TRY(map_fresh(block_address, page_size));
    TRY(sys::address_space_write(home_.get(), block_address, block.finish()));
    TRY(sys::address_space_protect(home_.get(), block_address, page_size, abi::Access::read));
    TRY(sys::thread_start(thread_.get(), entry_, stack_top, block_address, vdso_, 0));
    return std::move(process_);
}

}  // namespace astrata::silo_manager
