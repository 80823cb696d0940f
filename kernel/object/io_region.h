// Ranges of ports, physical memory and interrupt lines, to be handed out in parts.
#pragma once

#include "kernel/object/object.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class IoRegion final : public KernelObject {
public:
    explicit IoRegion(Ref<Account> account, abi::IoRegionKind region_kind, std::uint64_t start, std::uint64_t length)
        : KernelObject(abi::ObjectKind::io_region, std::move(account)), region_kind(region_kind), start(start), length(length) {}
    /// A part of another region.
    explicit IoRegion(Ref<Account> account, IoRegion& whole, std::uint64_t start, std::uint64_t length)
        : KernelObject(abi::ObjectKind::io_region, std::move(account), whole), region_kind(whole.region_kind), start(start),
          length(length) {}

    /// `start + offset` if [offset, offset + count) lies inside.
    /// errors    out_of_range
    [[nodiscard]] Result<std::uint64_t> place(std::uint64_t offset, std::uint64_t count) const {
        if (offset > length || count > length - offset)
            return fail(Error::out_of_range);
        return start + offset;
    }

    abi::IoRegionKind const region_kind;
    std::uint64_t const start;    ///< port, physical address or global system interrupt
    std::uint64_t const length;
};

}  // namespace astrata::kernel
