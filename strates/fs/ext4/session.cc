#include "strates/fs/ext4/session.h"

#include <algorithm>
#include <new>

namespace astrata::ext4_strate {
namespace {

using Layout = ring::SessionLayout<abi::BlockRequest>;

// A request's id says which slot it has and the how-manieth use of the slot it is.
constexpr unsigned generation_shift = 32;

Result<> outcome_of(std::uint32_t status) {
    if (status == 0)
        return {};
    return fail(status <= last_error ? static_cast<Error>(status) : Error::io);
}

}  // namespace

Result<Ref<Session>> Session::create(std::unique_ptr<SessionPeer> peer, MutableBytes rings, MutableBytes buffers,
                                     std::uint32_t entries) {
    if (!ring::is_valid_entry_count(entries))
        return fail(Error::invalid_argument);
    Layout const layout{entries};
    if (rings.size() < layout.bytes() || buffers.size() < page_size)
        return fail(Error::out_of_range);
    auto const submissions = TRY(Submissions::create(rings.subspan(layout.submissions_offset()), entries));
    auto const completions = TRY(Completions::create(rings.subspan(layout.completions_offset()), entries));
    auto* const session = new (std::nothrow)
        Session(std::move(peer), buffers, submissions, completions, std::min<std::size_t>(entries, slot_limit));
    if (session == nullptr)
        return fail(Error::no_memory);
    return Ref<Session>::adopt(*session);
}

Session::Session(std::unique_ptr<SessionPeer> peer, MutableBytes buffers, Submissions submissions,
                 Completions completions, std::size_t slot_count)
    : peer_(std::move(peer)), buffers_(buffers), submissions_(submissions), completions_(completions),
      pool_(buffers.size() / page_size), slot_count_(slot_count) {}

Session::Slot* Session::free_slot() {
    auto const slots = std::span(slots_).first(slot_count_);
    auto const found = std::ranges::find(slots, nullptr, &Slot::transfer);
    return found == slots.end() ? nullptr : &*found;
}

async::Task<Result<>> Session::read(std::uint64_t first_block, std::uint32_t block_count, std::uint64_t buffer_offset) {
    auto const keep = Ref<Session>::share(*this);
    auto* slot = free_slot();
    while (slot == nullptr && !has_ended_) {
        co_await slot_freed_.wait();
        slot = free_slot();
    }
    if (has_ended_)
        co_return fail(Error::peer_closed);

    Transfer transfer;
    slot->transfer = &transfer;
    ++slot->generation;
    auto const index = static_cast<std::uint64_t>(slot - slots_.data());
    abi::BlockRequest const request{.id = std::uint64_t{slot->generation} << generation_shift | index,
                                    .operation = abi::BlockOperation::read,
                                    .first_block = first_block,
                                    .block_count = block_count,
                                    .buffer_offset = buffer_offset};
    auto const pushed = submissions_.push(request);
    if (!pushed || pushed->count == 0) {
        // There are no more slots than entries, so a full ring is the driver's doing too.
        slot->transfer = nullptr;
        co_return fail(Error::io);
    }
    if (pushed->must_signal)
        peer_->ring_doorbell();
    co_return co_await transfer.done;
}

Result<> Session::collect() {
    std::array<abi::BlockRequest, slot_limit> answers;
    while (!has_ended_) {
        auto const taken = TRY(completions_.pop_batch(answers));
        if (taken.count == 0)
            break;
        if (taken.must_signal)
            peer_->ring_doorbell();
        for (auto const& answer : std::span(answers).first(taken.count))
            complete(answer);
    }
    return {};
}

void Session::complete(abi::BlockRequest const& answer) {
    auto const index = static_cast<std::uint32_t>(answer.id);
    auto const generation = static_cast<std::uint32_t>(answer.id >> generation_shift);
    if (index >= slot_count_)
        return;  // not one of ours: the driver's mistake, and nobody waits for it
    auto& slot = slots_[index];
    if (slot.transfer == nullptr || slot.generation != generation)
        return;
    auto* const transfer = std::exchange(slot.transfer, nullptr);
    transfer->done.complete(outcome_of(answer.status));
    slot_freed_.wake_one();
}

void Session::end() {
    has_ended_ = true;
    for (auto& slot : slots_) {
        if (auto* const transfer = std::exchange(slot.transfer, nullptr))
            transfer->done.complete(fail(Error::peer_closed));
    }
    slot_freed_.wake_all();
    room_.wake_all();
}

Buffer::~Buffer() {
    if (session_.get() == nullptr)
        return;
    session_->pool().free(first_, pages_);
    session_->room().wake_all();
}

}  // namespace astrata::ext4_strate
