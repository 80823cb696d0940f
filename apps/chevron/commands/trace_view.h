// All CPUs' trace rings together, as one sequence in the order of time.
#pragma once

#include "lib/containers/vector.h"
#include "lib/trace/reader.h"
#include "sdk/memory.h"

namespace astrata::chevron {

class TraceView {
public:
    /// Beginning with the oldest events that are still there.
    /// errors    bad_state (nothing was ever recorded), no_memory, corrupt
    [[nodiscard]] static Result<TraceView> open(abi::Handle root_silo);

    [[nodiscard]] std::optional<abi::TraceRecord> next();
    void skip_to_end();
    /// What is recorded at the moment.
    [[nodiscard]] trace::RingHeader const& header() const { return rings_[0].reader.header(); }
    [[nodiscard]] std::uint64_t lost() const;
    /// Events since recording began, whether they are still there or not; and for how many there is room.
    [[nodiscard]] std::uint64_t written() const;
    [[nodiscard]] std::uint64_t capacity() const;
    [[nodiscard]] std::uint64_t nanoseconds(abi::TraceRecord const& record) const;

private:
    struct Ring {
        sdk::Mapping mapping;
        trace::RingReader reader;
    };
    Vector<Ring> rings_;
};

}  // namespace astrata::chevron
