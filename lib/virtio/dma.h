// Memory that driver and device share, without saying where it comes from.
#pragma once

#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace astrata::virtio {

/// Zeroed, contiguous for the device, page-aligned.
struct DmaBlock {
    MutableBytes memory;
    std::uint64_t device_address = 0;

    /// errors    out_of_range
    [[nodiscard]] Result<DmaBlock> part(std::size_t offset, std::size_t length) const {
        if (offset > memory.size() || memory.size() - offset < length)
            return fail(Error::out_of_range);
        return DmaBlock{memory.subspan(offset, length), device_address + offset};
    }
};

class DmaSource {
public:
    /// Memory that stays allocated as long as the source lives.
    /// errors    no_memory, no_resources
    [[nodiscard]] virtual Result<DmaBlock> allocate(std::size_t bytes) = 0;

protected:
    ~DmaSource() = default;
};

}  // namespace astrata::virtio
