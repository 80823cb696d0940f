#include "sdk/memory.h"

#include "lib/base/units.h"
#include "sdk/own.h"

namespace astrata::sdk {

Result<Mapping> Mapping::map(abi::Handle object, std::uint64_t offset, std::uint64_t length, abi::Access access,
                             abi::MapFlags flags) {
    if (length > ~std::uint64_t{0} - page_size)
        return fail(Error::out_of_range);
    auto const address = TRY(sys::address_space_map(own().home, object, offset, 0, align_up(length, page_size),
                                                    access_and_flags(access, flags)));
    return Mapping(address, length);
}

Result<Mapping> Mapping::map_anonymous(std::uint64_t length, abi::Access access, abi::MapFlags flags) {
    if (length > ~std::uint64_t{0} - page_size)
        return fail(Error::out_of_range);
    auto const address = TRY(
        sys::address_space_map_anonymous(own().home, 0, align_up(length, page_size), access_and_flags(access, flags)));
    return Mapping(address, length);
}

MutableBytes Mapping::bytes() const {
#pragma clang unsafe_buffer_usage begin  // where a mapping becomes bytes; the range is ours as long as the guard lives
    return {reinterpret_cast<std::byte*>(address_), length_};
#pragma clang unsafe_buffer_usage end
}

void Mapping::reset() {
    // Unmapping our own range can only fail for lack of memory to split a mapping, and then the range stays mapped: a
    // leak.
    if (address_ != 0)
        (void)sys::address_space_unmap(own().home, std::exchange(address_, 0),
                                       align_up(std::exchange(length_, 0), page_size));
}

Result<MemoryObject> MemoryObject::create(std::uint64_t size) {
    return MemoryObject(UniqueHandle(TRY(sys::memory_object_create(size))));
}

}  // namespace astrata::sdk
