#include "sdk/driver/dma.h"

namespace astrata::sdk {

Result<DmaMemory> DmaMemory::create(abi::Handle domain, std::uint64_t bytes) {
    auto const size = align_up(bytes, page_size);
    auto const created = TRY(sys::dma_object_create(domain, size));
    DmaMemory memory;
    memory.object_ = UniqueHandle(created.object);
    memory.device_address_ = created.device_address;
    memory.mapping_ = TRY(Mapping::map(created.object, 0, size));
    return memory;
}

Result<virtio::DmaBlock> DmaPool::allocate(std::size_t bytes) {
    auto memory = TRY(DmaMemory::create(domain_, bytes));
    auto const block = memory.block();
    TRY(blocks_.push_back(std::move(memory)));
    return block;
}

}  // namespace astrata::sdk
