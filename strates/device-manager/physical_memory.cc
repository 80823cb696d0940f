#include "strates/device-manager/physical_memory.h"

namespace astrata::device_manager {

Result<PhysicalMapping> PhysicalMapping::map(abi::Handle region, PhysAddr address, std::uint64_t length,
                                             abi::Access access, abi::MapFlags flags) {
    if (length == 0 || address.value + length + page_size < address.value)
        return fail(Error::out_of_range);
    PhysicalMapping made;
    made.address_ = address;
    made.length_ = length;
    made.shift_ = address.page_offset();
    auto const pages = align_up(made.shift_ + length, page_size);
    made.object_ =
        sdk::UniqueHandle(TRY(sys::memory_object_create_physical(region, align_down(address.value, page_size), pages)));
    made.mapping_ = TRY(sdk::Mapping::map(made.object_.get(), 0, pages, access, flags));
    return made;
}

Bytes TableMemory::map(PhysAddr address, std::size_t size) {
    for (auto const& mapping : mappings_) {
        if (address >= mapping.address() && address - mapping.address() + size <= mapping.bytes().size())
            return Bytes(mapping.bytes()).subspan(address - mapping.address());
    }
    auto mapping = PhysicalMapping::map(region_, address, size, abi::Access::read, abi::MapFlags::none);
    if (!mapping)
        return {};
    auto const bytes = mapping->bytes();
    if (!mappings_.push_back(std::move(*mapping)))
        return {};
    return bytes;
}

}  // namespace astrata::device_manager
