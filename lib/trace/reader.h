// Takes records out of a ring while Bedrock writes to it.
#pragma once

#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/trace/ring.h"

namespace astrata::trace {

class RingReader {
public:
    RingReader() = default;
    /// `memory`, the whole ring, is borrowed. Reading begins with the oldest record that is still there.
    /// errors    corrupt (not a ring of this version, or cut short)
    [[nodiscard]] static Result<RingReader> open(Bytes memory);

    /// The time of the record that next() would give, in ticks; nothing if there is none yet.
    [[nodiscard]] std::optional<std::uint64_t> next_time();
    [[nodiscard]] std::optional<abi::TraceRecord> next();
    /// Leaves out what was recorded so far.
    void skip_to_end() { position_ = header_->written.load(std::memory_order_acquire); }
    /// How many records were overwritten before they were read.
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    [[nodiscard]] RingHeader const& header() const { return *header_; }

private:
    RingReader(RingHeader const& header, std::span<abi::TraceRecord const> records)
        : header_(&header), records_(records) {}
    /// Sees to it that the record at position_ is there and still whole.
    bool find();

    RingHeader const* header_ = nullptr;
    std::span<abi::TraceRecord const> records_;
    std::uint64_t position_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace astrata::trace
