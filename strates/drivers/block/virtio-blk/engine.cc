#include "strates/drivers/block/virtio-blk/engine.h"

#include <algorithm>
#include <bit>
#include <new>

#include "abi/system_calls.h"

namespace astrata::virtio_blk {

namespace {

// Section 5.2.3.
constexpr std::uint64_t feature_read_only = 1 << 5, feature_block_size = 1 << 6, feature_flush = 1 << 9;
constexpr std::uint64_t feature_discard = 1 << 13;
// Offsets in the device's configuration, section 5.2.4.
constexpr std::size_t config_capacity = 0, config_block_size = 20, config_discard_sectors_limit = 36;
// Request types and statuses, section 5.2.6.
constexpr std::uint32_t type_read = 0, type_write = 1, type_flush = 4, type_get_id = 8, type_discard = 11;
constexpr std::uint8_t status_ok = 0, status_unsupported = 2, status_unset = 0xff;
constexpr std::size_t serial_bytes = 20;

constexpr std::uint32_t header_bytes = 16, discard_bytes = 16, status_bytes = 1;
constexpr std::size_t discard_offset = 16, status_offset = 32;
constexpr std::uint64_t serial_token = in_flight_limit;

std::uint32_t error_of(std::uint8_t status) {
    switch (status) {
    case status_ok: return 0;
    case status_unsupported: return static_cast<std::uint32_t>(Error::not_supported);
    default: return static_cast<std::uint32_t>(Error::io);  // includes a status that the device never wrote
    }
}

}  // namespace

Result<Session> Session::create(MutableBytes rings, virtio::DmaBlock pool) {
    constexpr Layout layout{ring_entries};
    if (rings.size() < layout.bytes())
        return fail(Error::out_of_range);
    auto submissions =
        TRY(ring::Consumer<abi::BlockRequest>::create(rings.subspan(layout.submissions_offset()), ring_entries));
    auto completions =
        TRY(ring::Producer<abi::BlockRequest>::create(rings.subspan(layout.completions_offset()), ring_entries));
    return Session{submissions, completions, pool};
}

Result<std::unique_ptr<Engine>> Engine::create(virtio::Transport& transport, virtio::DmaSource& dma,
                                               std::uint16_t vector) {
    std::unique_ptr<Engine> engine(new (std::nothrow) Engine(transport));
    if (engine == nullptr)
        return fail(Error::no_memory);
    auto const features =
        TRY(virtio::negotiate(transport, feature_read_only | feature_block_size | feature_flush | feature_discard |
                                             virtio::feature::indirect_descriptors | virtio::feature::event_index));
    TRY(engine->set_up(dma, vector, features));
    return engine;
}

Result<> Engine::set_up(virtio::DmaSource& dma, std::uint16_t vector, std::uint64_t features) {
    auto const options = virtio::queue_options(features);
    auto const offered = transport_.queue_entries(0);
    if (offered == 0)
        return fail(Error::not_found);
    auto const entries = std::bit_floor(std::min(offered, virtio::queue_size_limit));
    auto const memory = TRY(dma.allocate(virtio::QueueLayout::of(entries, options).bytes));
    queue_ = TRY(virtio::SplitQueue::create(memory.memory, memory.device_address, entries, options));
    // A request takes three descriptors, or with indirect ones a single one.
    request_limit_ = std::min<std::uint16_t>(in_flight_limit, options.has_indirect ? entries : entries / 3);
    control_ = TRY(dma.allocate((in_flight_limit + 2) * sizeof(Control)));
    TRY(transport_.enable_queue(0, entries, queue_->addresses(), vector));
    TRY(virtio::start(transport_));
    read_geometry(features);
    return read_serial();
}

void Engine::read_geometry(std::uint64_t features) {
    sectors_ = virtio::read_consistently(transport_, [&] {
                   return virtio::configuration64(transport_, config_capacity);
               }).value_or(0);
    geometry_.block_size = sector_bytes;
    if ((features & feature_block_size) != 0) {
        auto const size = transport_.configuration32(config_block_size);
        if (std::has_single_bit(size) && size >= sector_bytes && size <= page_size)
            geometry_.block_size = size;
    }
    geometry_.blocks = sectors_ / (geometry_.block_size / sector_bytes);
    using enum abi::BlockFlags;
    geometry_.flags = none;
    if ((features & feature_read_only) != 0)
        geometry_.flags |= read_only;
    if ((features & feature_flush) != 0)
        geometry_.flags |= flush;
    if ((features & feature_discard) != 0)
        discard_sectors_limit_ = transport_.configuration32(config_discard_sectors_limit);
    if (discard_sectors_limit_ != 0)
        geometry_.flags |= discard;
}

// The one request that the driver makes for itself, before any client is there.
Result<> Engine::read_serial() {
    constexpr int patience = 20'000;
    constexpr std::uint64_t pause_ns = 50'000;
    // The request has a control block of its own, and one more for the text: its answer may come late.
    auto const address = control_address(in_flight_limit);
    auto const offset = in_flight_limit * sizeof(Control);
    auto const serial_offset = offset + sizeof(Control);
    TRY(store(control_.memory, offset, Control{.type = type_get_id, .status = status_unset}));
    std::array const readable{virtio::Segment{address, header_bytes}};
    std::array const writable{virtio::Segment{control_address(in_flight_limit + 1), serial_bytes},
                              virtio::Segment{address + status_offset, status_bytes}};
    TRY(queue_->add(readable, writable, serial_token));
    if (queue_->publish())
        transport_.notify(0);
    // Interrupts are not handled yet; the device answers within microseconds. One that does not may still be a usable
    // disk, so its late answer is recognised by its token and ignored.
    ++in_flight_;
    for (int attempt = 0; attempt < patience; ++attempt) {
        auto const completed = TRY(queue_->take());
        if (!completed) {
            (void)sys::thread_sleep(sys::clock_now() + pause_ns);
            continue;
        }
        --in_flight_;
        if (load<std::uint8_t>(control_.memory, offset + status_offset) == status_ok) {
            auto const text = as_text(Bytes(control_.memory).subspan(serial_offset, serial_bytes));
            auto const end = std::ranges::find_if(text, [](char letter) { return letter < ' ' || letter > '~'; });
            geometry_.serial = abi::Text<24>::from(text.substr(0, static_cast<std::size_t>(end - text.begin())));
        }
        return {};
    }
    return {};
}

Result<> Engine::check(abi::BlockRequest const& request) const {
    using enum abi::BlockOperation;
    if (!is_valid(request.operation))
        return fail(Error::invalid_argument);
    bool const changes = request.operation == write || request.operation == discard;
    if (changes && has(geometry_.flags, abi::BlockFlags::read_only))
        return fail(Error::read_only);
    if (request.operation == flush)
        return {};
    if (request.operation == discard && !has(geometry_.flags, abi::BlockFlags::discard))
        return fail(Error::not_supported);
    if (request.block_count == 0)
        return fail(Error::invalid_argument);
    if (request.first_block >= geometry_.blocks || request.block_count > geometry_.blocks - request.first_block)
        return fail(Error::out_of_range);
    if (request.operation == discard) {
        auto const sectors = std::uint64_t{request.block_count} * (geometry_.block_size / sector_bytes);
        return sectors <= discard_sectors_limit_ ? Result<>() : fail(Error::out_of_range);
    }
    auto const bytes = std::uint64_t{request.block_count} * geometry_.block_size;
    auto const pool_bytes = session_->pool.memory.size();
    if (request.buffer_offset > pool_bytes || pool_bytes - request.buffer_offset < bytes)
        return fail(Error::out_of_range);
    return {};
}

// Hands a checked request to the device.
// errors    would_block (the queue is full)
Result<> Engine::start(abi::BlockRequest const& request) {
    using enum abi::BlockOperation;
    auto const free = std::ranges::find(slots_, false, &Slot::is_busy);
    if (free == slots_.end())
        return fail(Error::would_block);
    auto const slot = static_cast<std::size_t>(free - slots_.begin());
    auto const sectors_per_block = geometry_.block_size / sector_bytes;
    auto const sector = request.first_block * sectors_per_block;
    Control control{.sector = sector, .status = status_unset};
    switch (request.operation) {
    case read: control.type = type_read; break;
    case write: control.type = type_write; break;
    case flush:
        control.type = type_flush;
        control.sector = 0;
        break;
    case discard:
        control.type = type_discard;
        control.sector = 0;
        control.discard_sector = sector;
        control.discard_sectors = static_cast<std::uint32_t>(request.block_count * sectors_per_block);
        break;
    }
    TRY(store(control_.memory, slot * sizeof(Control), control));

    auto const address = control_address(slot);
    virtio::Segment const header{address, header_bytes};
    virtio::Segment const status{address + status_offset, status_bytes};
    virtio::Segment const data{session_->pool.device_address + request.buffer_offset,
                               static_cast<std::uint32_t>(request.block_count * geometry_.block_size)};
    virtio::Segment const discard_segment{address + discard_offset, discard_bytes};
    switch (request.operation) {
    case read: TRY(queue_->add(std::array{header}, std::array{data, status}, slot)); break;
    case write: TRY(queue_->add(std::array{header, data}, std::array{status}, slot)); break;
    case flush: TRY(queue_->add(std::array{header}, std::array{status}, slot)); break;
    case discard: TRY(queue_->add(std::array{header, discard_segment}, std::array{status}, slot)); break;
    }
    free->is_busy = true;
    free->request = request;
    ++in_flight_;
    return {};
}

void Engine::complete(abi::BlockRequest request, std::uint32_t status, Work& work) {
    work.has_progress = true;
    if (!session_)
        return;
    request.status = status;
    auto const moved = session_->completions.push(request);
    // Submissions are only taken while their completions have a place, so a full ring means that the client cheats.
    if (!moved || moved->count == 0) {
        work.is_session_broken = true;
        detach();
        return;
    }
    work.must_signal = work.must_signal || moved->must_signal;
}

Result<> Engine::take_completions(Work& work) {
    while (auto const completed = TRY(queue_->take())) {
        --in_flight_;
        if (completed->token == serial_token)
            continue;
        auto const slot = static_cast<std::size_t>(completed->token);
        slots_[slot].is_busy = false;
        auto const status =
            load<std::uint8_t>(control_.memory, slot * sizeof(Control) + status_offset).value_or(status_unset);
        complete(slots_[slot].request, error_of(status), work);
    }
    return {};
}

void Engine::take_submissions(Work& work) {
    while (session_ && in_flight_ < request_limit_) {
        // Each request in the device will need a place among the completions.
        auto const places = session_->completions.free_entries();
        auto const waiting = session_->submissions.waiting_entries();
        if (!places || !waiting) {
            work.is_session_broken = true;
            return detach();
        }
        if (*places <= in_flight_ || *waiting == 0)
            return;
        abi::BlockRequest request;
        auto const moved = session_->submissions.pop_batch(std::span(&request, 1));
        if (!moved || moved->count == 0) {
            work.is_session_broken = !moved;
            return detach();
        }
        work.has_progress = true;
        work.must_signal = work.must_signal || moved->must_signal;
        bool const needs_no_device =
            request.operation == abi::BlockOperation::flush && !has(geometry_.flags, abi::BlockFlags::flush);
        auto const result = [&]() -> Result<> {
            TRY(check(request));
            if (!needs_no_device)  // a device without a write cache has nothing to flush
                TRY(start(request));
            return {};
        }();
        if (!result)
            complete(request, static_cast<std::uint32_t>(result.error()), work);
        else if (needs_no_device)
            complete(request, 0, work);
    }
}

Result<Engine::Work> Engine::work() {
    Work work;
    TRY(take_completions(work));
    take_submissions(work);
    if (queue_->publish())
        transport_.notify(0);
    return work;
}

}  // namespace astrata::virtio_blk
