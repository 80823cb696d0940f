// Memory objects and their mappings in the process's own address space.
#pragma once

#include <cstdint>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/start/layout.h"
#include "sdk/handle.h"

namespace astrata::sdk {

/// The argument of the mapping calls: Access in the low half, MapFlags in the high one.
constexpr std::uint64_t access_and_flags(abi::Access access, abi::MapFlags flags = abi::MapFlags::none) {
    return static_cast<std::uint64_t>(flags) << 32 | static_cast<std::uint64_t>(access);
}

inline constexpr abi::Access read_write = abi::Access::read | abi::Access::write;

/// How much of a stack of `length` bytes in the home space at `address` is given its pages when it is made, counted from its top. What
/// most threads use, since a stack that cannot grow ends the whole process; in kernel mode all of it, since the processor has nowhere
/// to put a fault on its own stack.
constexpr std::uint64_t committed_stack_bytes(std::uint64_t address, std::uint64_t length) {
    constexpr std::uint64_t usual = 16 << 10;
    return start::is_hosted_in_kernel(address) || length < usual ? length : usual;
}

/// A mapping that is removed when its owner goes away.
class Mapping {
public:
    Mapping() = default;
    Mapping(Mapping&& other) noexcept
        : address_(std::exchange(other.address_, 0)), length_(std::exchange(other.length_, 0)) {}
    Mapping& operator=(Mapping&& other) noexcept {
        if (this != &other) {
            reset();
            address_ = std::exchange(other.address_, 0);
            length_ = std::exchange(other.length_, 0);
        }
        return *this;
    }
    ~Mapping() { reset(); }

    /// Maps [offset, offset + length) of a memory object; `offset` is page-aligned, the mapping covers whole pages.
    /// errors    those of address_space_map
    [[nodiscard]] static Result<Mapping> map(abi::Handle object, std::uint64_t offset, std::uint64_t length,
                                             abi::Access access = read_write,
                                             abi::MapFlags flags = abi::MapFlags::none);
    /// Fresh zeroed memory.
    [[nodiscard]] static Result<Mapping> map_anonymous(std::uint64_t length, abi::Access access = read_write,
                                                       abi::MapFlags flags = abi::MapFlags::none);

    explicit operator bool() const { return address_ != 0; }
    [[nodiscard]] std::uint64_t address() const { return address_; }
    /// The length that was asked for.
    [[nodiscard]] std::size_t size() const { return length_; }
    [[nodiscard]] MutableBytes bytes() const;
    void reset();

private:
    Mapping(std::uint64_t address, std::uint64_t length) : address_(address), length_(length) {}
    std::uint64_t address_ = 0;
    std::uint64_t length_ = 0;
};

/// An owned memory object.
class MemoryObject {
public:
    MemoryObject() = default;
    explicit MemoryObject(UniqueHandle handle) : handle_(std::move(handle)) {}
    /// errors    no_memory, out_of_range
    [[nodiscard]] static Result<MemoryObject> create(std::uint64_t size);

    [[nodiscard]] abi::Handle get() const { return handle_.get(); }
    [[nodiscard]] UniqueHandle& handle() { return handle_; }
    [[nodiscard]] Result<std::uint64_t> size() const {
        return TRY(sys::memory_object_info(get()))
        .size;
    }
    /// returns    how many bytes; fewer than asked for only at the end
    [[nodiscard]] Result<std::uint64_t> read(std::uint64_t offset, MutableBytes into) const {
        return sys::memory_object_read(get(), offset, into);
    }
    [[nodiscard]] Result<std::uint64_t> write(std::uint64_t offset, Bytes from) const {
        return sys::memory_object_write(get(), offset, from);
    }
    [[nodiscard]] Result<Mapping> map(std::uint64_t offset, std::uint64_t length,
                                      abi::Access access = read_write) const {
        return Mapping::map(get(), offset, length, access);
    }

private:
    UniqueHandle handle_;
};

}  // namespace astrata::sdk
