// System calls on memory objects.
#include "abi/kernel_calls.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/mem/memory_object.h"
#include "kernel/object/dma_domain.h"
#include "kernel/object/io_region.h"
#include "kernel/object/lookup.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

namespace {

Account& payer(Thread& caller) {
    return caller.process().silo().memory();
}

}  // namespace

Result<abi::Handle> sys_memory_object_create(Thread& caller, MemoryObjectCreateArgs const& args) {
    return install_handle(caller, TRY(MemoryObject::create(payer(caller), args.size)), all_rights);
}

Result<abi::Handle> sys_memory_object_create_paged(Thread& caller, MemoryObjectCreatePagedArgs const& args) {
    auto object = TRY(MemoryObject::create_paged(payer(caller), args.pager, args.key, args.size));
    return install_handle(caller, std::move(object), all_rights);
}

Result<abi::Handle> sys_memory_object_create_physical(Thread& caller, MemoryObjectCreatePhysicalArgs const& args) {
    if (args.region->region_kind != abi::IoRegionKind::memory)
        return fail(Error::wrong_type);
    auto const start = TRY(args.region->place(args.offset, args.size));
    // The object allows no access that the handle to the region does not.
    constexpr auto access = abi::Rights::read | abi::Rights::write | abi::Rights::execute;
    auto const found = TRY(caller.process().handles().find(args.region_value));
    auto object =
        TRY(MemoryObject::create_physical(payer(caller), {start}, args.size, MemoryObject::Caching::uncached));
    return install_handle(caller, std::move(object), (all_rights & ~access) | (found.rights & access));
}

Result<DmaObjectCreateResult> sys_dma_object_create(Thread& caller, DmaObjectCreateArgs const& args) {
    auto object = TRY(MemoryObject::create_contiguous(payer(caller), args.size));
    auto const address = object->device_address().value;
    auto const handle = TRY(install_handle(caller, object, all_rights));
    args.domain->keep(std::move(object));
    return DmaObjectCreateResult{.object = handle, .device_address = address};
}

Result<abi::Handle> sys_memory_object_clone(Thread& caller, MemoryObjectCloneArgs const& args) {
    auto clone = TRY(args.object->clone(payer(caller), args.offset, args.size, args.kind));
    return install_handle(caller, std::move(clone), all_rights);
}

Result<> sys_memory_object_set_size(Thread&, MemoryObjectSetSizeArgs const& args) {
    return args.object->set_size(args.size);
}

Result<> sys_memory_object_info(Thread&, MemoryObjectInfoArgs const& args) {
    abi::MemoryObjectInfo info;
    args.object->fill(info);
    return args.info.write(info);
}

Result<std::uint64_t> sys_memory_object_read(Thread&, MemoryObjectReadArgs const& args) {
    return args.object->read(args.offset, args.into);
}

Result<std::uint64_t> sys_memory_object_write(Thread&, MemoryObjectWriteArgs const& args) {
    return args.object->write(args.offset, args.from);
}

Result<> sys_memory_object_discard(Thread&, MemoryObjectDiscardArgs const& args) {
    return args.object->discard(args.offset, args.length);
}

}  // namespace astrata::kernel
