#include "strates/fs/ramfs/contents.h"

#include <new>

#include "lib/base/units.h"

namespace astrata::ramfs {

Result<std::uint64_t> MemoryContents::size() {
    return object_.get() == 0 ? size_ : object_.size();
}

Result<> MemoryContents::set_size(std::uint64_t size) {
    TRY(object());
    return sys::memory_object_set_size(object_.get(), size);
}

Result<std::uint64_t> MemoryContents::write(std::uint64_t offset, Bytes bytes) {
    TRY(object());
    auto const end = offset + bytes.size();
    if (end > TRY(object_.size()))
        TRY(sys::memory_object_set_size(object_.get(), end));
    return object_.write(offset, bytes);
}

Result<sdk::UniqueHandle const*> MemoryContents::object() {
    if (object_.get() == 0)
        object_ = archive_ == 0 ? TRY(sdk::MemoryObject::create(0)) : TRY(clone_from_archive());
    return &object_.handle();
}

Result<sdk::MemoryObject> MemoryContents::clone_from_archive() const {
    if (size_ == 0)
        return sdk::MemoryObject::create(0);
    if (is_aligned(offset_, page_size)) {
        auto const pages = align_up(size_, page_size);
        sdk::MemoryObject clone(
            sdk::UniqueHandle(TRY(sys::memory_object_clone(archive_, offset_, pages, abi::CloneKind::snapshot))));
        // Behind the file's last byte the archive goes on; whoever maps the last page must see zeroes there.
        if (pages != size_)
            TRY(sys::memory_object_set_size(clone.get(), size_));
        return clone;
    }
    // An archive made by other tools need not keep files on page boundaries.
    auto copy = TRY(sdk::MemoryObject::create(size_));
    auto const mapping = TRY(sdk::Mapping::map(archive_, align_down(offset_, page_size),
                                               align_up(offset_ % page_size + size_, page_size), abi::Access::read));
    TRY(copy.write(0, Bytes(mapping.bytes()).subspan(offset_ % page_size, size_)));
    return copy;
}

Result<std::unique_ptr<Contents>> MemorySource::create_empty() {
    std::unique_ptr<Contents> contents(new (std::nothrow) MemoryContents);
    if (contents == nullptr)
        return fail(Error::no_memory);
    return contents;
}

Result<std::unique_ptr<Contents>> MemorySource::from_archive(std::uint64_t offset, std::uint64_t size) {
    std::unique_ptr<Contents> contents(new (std::nothrow) MemoryContents(archive_, offset, size));
    if (contents == nullptr)
        return fail(Error::no_memory);
    return contents;
}

}  // namespace astrata::ramfs
