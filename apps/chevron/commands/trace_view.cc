#include "apps/chevron/commands/trace_view.h"

namespace astrata::chevron {

Result<TraceView> TraceView::open(abi::Handle root_silo) {
    TraceView view;
    for (std::uint32_t cpu = 0;; ++cpu) {
        auto ring = sys::trace_ring(root_silo, cpu);
        if (!ring && ring.error() == Error::out_of_range && cpu != 0)
            return view;
        sdk::MemoryObject const object(sdk::UniqueHandle(TRY(ring)));
        auto mapping = TRY(object.map(0, TRY(object.size()), abi::Access::read));
        auto reader = TRY(trace::RingReader::open(mapping.bytes()));
        TRY(view.rings_.push_back(Ring{.mapping = std::move(mapping), .reader = reader}));
    }
}

std::optional<abi::TraceRecord> TraceView::next() {
    Ring* earliest = nullptr;
    std::uint64_t time = 0;
    for (auto& ring : rings_) {
        auto const candidate = ring.reader.next_time();
        if (candidate && (earliest == nullptr || *candidate < time)) {
            earliest = &ring;
            time = *candidate;
        }
    }
    return earliest == nullptr ? std::nullopt : earliest->reader.next();
}

void TraceView::skip_to_end() {
    for (auto& ring : rings_)
        ring.reader.skip_to_end();
}

std::uint64_t TraceView::lost() const {
    std::uint64_t sum = 0;
    for (auto const& ring : rings_)
        sum += ring.reader.lost();
    return sum;
}

std::uint64_t TraceView::written() const {
    std::uint64_t sum = 0;
    for (auto const& ring : rings_)
        sum += ring.reader.header().written.load(std::memory_order_relaxed);
    return sum;
}

std::uint64_t TraceView::capacity() const {
    std::uint64_t sum = 0;
    for (auto const& ring : rings_)
        sum += ring.reader.header().capacity;
    return sum;
}

std::uint64_t TraceView::nanoseconds(abi::TraceRecord const& record) const {
    // Whole seconds first: the product would not fit.
    constexpr std::uint64_t second = 1'000'000'000;
    auto const frequency = header().frequency_hz;
    return record.timestamp / frequency * second + record.timestamp % frequency * second / frequency;
}

}  // namespace astrata::chevron
