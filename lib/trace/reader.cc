#include "lib/trace/reader.h"

#include <bit>

namespace astrata::trace {

namespace {

using Words = std::array<std::uint64_t, sizeof(abi::TraceRecord) / sizeof(std::uint64_t)>;

// Bedrock may be overwriting the record meanwhile: whoever calls finds out afterwards.
abi::TraceRecord copy_of(abi::TraceRecord const& record) {
    auto const& source = reinterpret_cast<Words const&>(record);
    Words words;
    for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = __atomic_load_n(&source[i], __ATOMIC_RELAXED);
    std::atomic_thread_fence(std::memory_order_acquire);
    return std::bit_cast<abi::TraceRecord>(words);
}

}  // namespace

#pragma clang unsafe_buffer_usage begin  // the ring's memory becomes a header and records, as many as it was seen to
                                         // have room for
Result<RingReader> RingReader::open(Bytes memory) {
    if (memory.size() < records_offset)
        return fail(Error::corrupt);
    auto const& header = *reinterpret_cast<RingHeader const*>(memory.data());
    auto const room = (memory.size() - records_offset) / sizeof(abi::TraceRecord);
    if (header.magic != ring_magic || header.version != ring_version ||
        header.record_bytes != sizeof(abi::TraceRecord) || header.capacity == 0 || header.capacity > room ||
        header.frequency_hz == 0)
        return fail(Error::corrupt);
    auto const* const first = reinterpret_cast<abi::TraceRecord const*>(memory.subspan(records_offset).data());
    return RingReader(header, std::span(first, header.capacity));
}
#pragma clang unsafe_buffer_usage end

bool RingReader::find() {
    auto const written = header_->written.load(std::memory_order_acquire);
    // The slot of the record after the newest may be in use already.
    auto const oldest = written < records_.size() ? 0 : written - records_.size() + 1;
    if (position_ < oldest) {
        lost_ += oldest - position_;
        position_ = oldest;
    }
    return position_ < written;
}

std::optional<std::uint64_t> RingReader::next_time() {
    while (find()) {
        auto const time = __atomic_load_n(&records_[position_ % records_.size()].timestamp, __ATOMIC_RELAXED);
        auto const seen = position_;
        if (find() && position_ == seen)
            return time;
    }
    return std::nullopt;
}

std::optional<abi::TraceRecord> RingReader::next() {
    while (find()) {
        auto const record = copy_of(records_[position_ % records_.size()]);
        auto const seen = position_;
        if (find() && position_ == seen) {
            ++position_;
            return record;
        }
    }
    return std::nullopt;
}

}  // namespace astrata::trace
