// Physical memory of the machine, mapped piece by piece.
#pragma once

#include "lib/containers/vector.h"
#include "lib/mmio/registers.h"
#include "sdk/memory.h"

namespace astrata::device_manager {

/// A piece of it, mapped as long as this lives.
class PhysicalMapping {
public:
    PhysicalMapping() = default;
    /// region    the machine's memory, an IoRegion that begins at 0; borrowed
    /// errors    out_of_range, no_memory
    [[nodiscard]] static Result<PhysicalMapping> map(abi::Handle region, PhysAddr address, std::uint64_t length,
                                                     abi::Access access, abi::MapFlags flags);

    [[nodiscard]] PhysAddr address() const { return address_; }
    [[nodiscard]] MutableBytes bytes() const { return mapping_.bytes().subspan(shift_, length_); }
    [[nodiscard]] mmio::Window registers() const { return mmio::Window(bytes()); }

private:
    PhysAddr address_;
    std::uint64_t shift_ = 0;
    std::uint64_t length_ = 0;
    sdk::UniqueHandle object_;
    sdk::Mapping mapping_;
};

/// Read-only views of firmware's tables, kept until all of them are done with.
class TableMemory {
public:
    explicit TableMemory(abi::Handle region) : region_(region) {}

    /// As acpi::TableFinder wants it: empty when it cannot be mapped.
    Bytes map(PhysAddr address, std::size_t size);

private:
    abi::Handle region_;
    Vector<PhysicalMapping> mappings_;
};

}  // namespace astrata::device_manager
