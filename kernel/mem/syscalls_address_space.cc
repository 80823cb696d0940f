// System calls on address spaces.
#include <algorithm>
#include <array>

#include "abi/kernel_calls.h"
#include "kernel/mem/address_space.h"
#include "kernel/object/lookup.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

namespace {

struct AccessAndFlags {
    abi::Access access;
    abi::MapFlags flags;
};

// Access in the low half of the word, MapFlags in the high half.
Result<AccessAndFlags> split(std::uint64_t word) {
    AccessAndFlags const parts{static_cast<abi::Access>(word), static_cast<abi::MapFlags>(word >> 32)};
    if (!is_valid(parts.access) || !is_valid(parts.flags))
        return fail(Error::invalid_argument);
    return parts;
}

// The access that a handle's rights permit through a mapping; writes to a private one stay in the space.
abi::Access allowed_access(abi::Rights rights, bool is_private) {
    auto allowed = abi::Access::none;
    if (has(rights, abi::Rights::read))
        allowed |= abi::Access::read;
    if (has(rights, abi::Rights::write) || (is_private && has(rights, abi::Rights::read)))
        allowed |= abi::Access::write;
    if (has(rights, abi::Rights::execute))
        allowed |= abi::Access::execute;
    return allowed;
}

}  // namespace

Result<abi::Handle> sys_address_space_create(Thread& caller, AddressSpaceCreateArgs const&) {
    auto& home = caller.process().home();
    auto space = TRY(AddressSpace::create_guest(caller.process().silo().memory(), Ref<AddressSpace>::share(home)));
    return install_handle(caller, std::move(space), all_rights);
}

Result<abi::Handle> sys_address_space_clone(Thread& caller, AddressSpaceCloneArgs const& args) {
    if (!args.space->belongs_to(caller.process().home()))
        return fail(Error::bad_state);
    return install_handle(caller, TRY(args.space->clone()), all_rights);
}

Result<std::uint64_t> sys_address_space_map(Thread&, AddressSpaceMapArgs const& args) {
    auto const [access, flags] = TRY(split(args.access_and_flags));
    auto const allowed = allowed_access(args.object_rights, has(flags, abi::MapFlags::private_));
    if (!has(allowed, access))
        return fail(Error::access_denied);
    return TRY(args.space->map(args.object, args.offset, {args.address}, args.length, access, flags, allowed))
    .value;
}

Result<std::uint64_t> sys_address_space_map_anonymous(Thread&, AddressSpaceMapAnonymousArgs const& args) {
    auto const [access, flags] = TRY(split(args.access_and_flags));
    return TRY(args.space->map_anonymous({args.address}, args.length, access, flags))
    .value;
}

Result<> sys_address_space_unmap(Thread&, AddressSpaceUnmapArgs const& args) {
    return args.space->unmap({args.address}, args.length);
}

Result<> sys_address_space_protect(Thread&, AddressSpaceProtectArgs const& args) {
    return args.space->protect({args.address}, args.length, args.access);
}

Result<std::uint64_t> sys_address_space_move(Thread&, AddressSpaceMoveArgs const& args) {
    return TRY(args.space->move({args.address}, args.length, {args.new_address}, args.new_length, args.flags))
    .value;
}

Result<> sys_address_space_discard(Thread&, AddressSpaceDiscardArgs const& args) {
    return args.space->discard({args.address}, args.length);
}

Result<> sys_address_space_commit(Thread&, AddressSpaceCommitArgs const& args) {
    return args.space->commit({args.address}, args.length);
}

Result<std::uint64_t> sys_address_space_query(Thread&, AddressSpaceQueryArgs const& args) {
    constexpr std::size_t batch = 16;
    std::array<abi::MappingInfo, batch> infos;
    auto const room = args.into.length / sizeof(abi::MappingInfo);
    std::uint64_t count = 0;
    VirtAddr position{args.address};
    while (count < room) {
        auto const wanted = std::min<std::uint64_t>(batch, room - count);
        auto const filled = args.space->query(position, std::span(infos).first(wanted));
        auto const bytes = std::as_bytes(std::span(infos).first(filled));
        TRY(copy_out(args.into.part(count * sizeof(abi::MappingInfo), bytes.size()), bytes));
        count += filled;
        if (filled < wanted)
            break;
        auto const& last = infos[filled - 1];
        position = {last.start + last.length};
    }
    return count;
}

Result<> sys_address_space_info(Thread&, AddressSpaceInfoArgs const& args) {
    abi::AddressSpaceInfo info;
    args.space->fill(info);
    return args.info.write(info);
}

Result<std::uint64_t> sys_address_space_read(Thread&, AddressSpaceReadArgs const& args) {
    return args.space->read({args.address}, args.into);
}

Result<std::uint64_t> sys_address_space_write(Thread&, AddressSpaceWriteArgs const& args) {
    return args.space->write({args.address}, args.from);
}

}  // namespace astrata::kernel
