#include "strates/drivers/random/virtio-rng/source.h"

#include <algorithm>
#include <bit>
#include <new>

namespace astrata::virtio_rng {

Result<std::unique_ptr<Source>> Source::create(virtio::Transport& transport, virtio::DmaSource& dma,
                                               std::uint16_t vector) {
    std::unique_ptr<Source> source(new (std::nothrow) Source(transport));
    if (source == nullptr)
        return fail(Error::no_memory);
    auto const features = TRY(virtio::negotiate(transport, 0));
    TRY(source->set_up(dma, vector, features));
    return source;
}

Result<> Source::set_up(virtio::DmaSource& dma, std::uint16_t vector, std::uint64_t features) {
    auto const options = virtio::queue_options(features);
    auto const offered = transport_.queue_entries(0);
    if (offered == 0)
        return fail(Error::not_found);
    constexpr std::uint16_t entries_wanted = 2;
    auto const entries = std::bit_floor(std::min(offered, entries_wanted));
    auto const memory = TRY(dma.allocate(virtio::QueueLayout::of(entries, options).bytes));
    queue_ = TRY(virtio::SplitQueue::create(memory.memory, memory.device_address, entries, options));
    shared_ = TRY(dma.allocate(request_bytes));
    TRY(transport_.enable_queue(0, entries, queue_->addresses(), vector));
    return virtio::start(transport_);
}

Result<> Source::request() {
    if (queue_->in_flight() != 0)
        return fail(Error::would_block);
    std::ranges::fill(taken_, std::byte{});
    std::array const writable{virtio::Segment{shared_.device_address, request_bytes}};
    TRY(queue_->add({}, writable, 0));
    if (queue_->publish())
        transport_.notify(0);
    return {};
}

Result<std::optional<Bytes>> Source::take() {
    do {
        auto const completed = TRY(queue_->take());
        if (!completed)
            continue;
        if (completed->written == 0)  // section 5.4.6.2
            return fail(Error::io);
        // What is handed on shall not lie where the device, or a later driver, could look it up.
        auto const given = shared_.memory.first(completed->written);
        std::ranges::copy(given, taken_.begin());
        std::ranges::fill(given, std::byte{});
        return Bytes(taken_).first(given.size());
    } while (queue_->enable_interrupts());
    return std::nullopt;
}

}  // namespace astrata::virtio_rng
