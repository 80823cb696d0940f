#include "apps/chevron/io/stream_hub.h"

#include <algorithm>
#include <new>

#include "sdk/thread.h"

namespace astrata::chevron {
namespace {

constexpr std::size_t chunk_limit = 4000;  // bytes of one Stream.read
constexpr unsigned slot_bits = 8;          // of the badge; the serial is above

}  // namespace

Attachment& Attachment::operator=(Attachment&& other) noexcept {
    detach();
    hub_ = std::exchange(other.hub_, nullptr);
    slot_ = other.slot_;
    endpoint_ = std::move(other.endpoint_);
    return *this;
}

void Attachment::detach() {
    if (auto* const hub = std::exchange(hub_, nullptr); hub != nullptr)
        hub->detach(slot_);
    endpoint_.reset();
}

Result<StreamHub*> StreamHub::create() {
    auto* const hub = new (std::nothrow) StreamHub;
    if (hub == nullptr)
        return fail(Error::no_memory);
    auto served = sdk::UniqueHandle(TRY(sys::endpoint_create()));
    hub->endpoint_ = TRY(served.duplicate(abi::Rights::send | abi::Rights::duplicate | abi::Rights::transfer));
    hub->changed_ = sdk::UniqueHandle(TRY(sys::notification_create()));
    hub->loop_.emplace(TRY(sdk::EventLoop::create()));
    TRY(hub->loop_->serve(std::move(served), *hub));
    TRY(hub->loop_->on_signal(hub->changed_.get(), *hub));
    TRY(sdk::Thread::spawn(&run, hub, "streams"));
    return hub;
}

void StreamHub::run(void* hub) {
    (void)static_cast<StreamHub*>(hub)->loop_->run();
}

void StreamHub::wake() {
    (void)sys::notification_signal(changed_.get(), 1);
}

Result<Attachment> StreamHub::attach(Ref<Channel> channel) {
    Lock lock(mutex_);
    auto const free = std::ranges::find_if(slots_, [](Slot const& slot) { return !slot.channel; });
    if (free == slots_.end())
        return fail(Error::no_resources);
    auto const index = static_cast<std::size_t>(free - slots_.begin());
    auto const serial = free->serial + 1;
    auto const badge = std::uint64_t{serial} << slot_bits | (index + 1);
    auto endpoint = TRY(endpoint_.duplicate(abi::Rights::send | abi::Rights::duplicate | abi::Rights::transfer, badge));
    channel->set_waker(this);
    free->serial = serial;
    free->channel = std::move(channel);
    free->is_detaching = false;
    return Attachment(*this, index, std::move(endpoint));
}

// Responders belong to the hub's thread, so it is the one that clears the slot.
void StreamHub::detach(std::size_t slot) {
    {
        Lock lock(mutex_);
        slots_[slot].is_detaching = true;
    }
    wake();
}

StreamHub::Slot* StreamHub::slot_of(sdk::Caller const& caller) {
    auto const index = (caller.badge & ((1U << slot_bits) - 1)) - 1;
    if (index >= slot_limit)
        return nullptr;
    auto& slot = slots_[index];
    return slot.channel && !slot.is_detaching && slot.serial == caller.badge >> slot_bits ? &slot : nullptr;
}

void StreamHub::read(sdk::Caller const& caller, ReadRequest const& request, ReadResponder responder) {
    Lock lock(mutex_);
    auto* const slot = slot_of(caller);
    if (slot == nullptr)
        return responder.fail(Error::peer_closed);
    if (slot->read)
        return responder.fail(Error::busy);
    slot->read.emplace(std::move(responder), std::min<std::size_t>(request.limit, chunk_limit));
    try_read(*slot);
}

void StreamHub::write(sdk::Caller const& caller, WriteRequest const& request, WriteResponder responder) {
    Lock lock(mutex_);
    auto* const slot = slot_of(caller);
    if (slot == nullptr)
        return responder.fail(Error::peer_closed);
    if (slot->write)
        return responder.fail(Error::busy);
    auto& pending = slot->write.emplace(std::move(responder));
    pending.size = std::min(request.bytes.size(), pending.bytes.size());
    std::ranges::copy(request.bytes.first(pending.size), pending.bytes.begin());
    try_write(*slot);
}

void StreamHub::unread(sdk::Caller const& caller, UnreadRequest const& request, UnreadResponder responder) {
    // Bytes cannot go back into a pipe or a file; a read that waits can be called back.
    if (!request.bytes.empty())
        return responder.fail(Error::not_supported);
    Lock lock(mutex_);
    if (auto* const slot = slot_of(caller); slot != nullptr && slot->read) {
        slot->read->responder.fail(Error::cancelled);
        slot->read.reset();
    }
    responder.reply();
}

void StreamHub::size(sdk::Caller const&, SizeRequest const&, SizeResponder responder) {
    responder.reply(0, 0);
}

void StreamHub::try_read(Slot& slot) {
    std::array<std::byte, chunk_limit> chunk;
    auto const count = slot.channel->try_read(std::span(chunk).first(slot.read->limit));
    if (!count && count.error() == Error::would_block)
        return;
    if (count)
        slot.read->responder.reply(std::span(chunk).first(*count));
    else
        slot.read->responder.fail(count.error());
    slot.read.reset();
}

void StreamHub::try_write(Slot& slot) {
    auto& pending = *slot.write;
    while (pending.done < pending.size) {
        auto const rest = Bytes(pending.bytes).subspan(pending.done, pending.size - pending.done);
        auto const count = slot.channel->try_write(rest);
        if (!count && count.error() == Error::would_block)
            return;
        if (!count) {
            pending.responder.fail(count.error());
            slot.write.reset();
            return;
        }
        pending.done += *count;
    }
    pending.responder.reply();
    slot.write.reset();
}

void StreamHub::on_signal(std::uint64_t) {
    for (auto index = std::size_t{0}; index < slot_limit; ++index) {
        // Dropped after the lock: the last reference to a pipe end wakes the hub again.
        RefOrNull<Channel> gone;
        Lock lock(mutex_);
        auto& slot = slots_[index];
        if (slot.is_detaching) {
            slot.is_detaching = false;
            if (slot.read)
                slot.read->responder.fail(Error::peer_closed);
            if (slot.write)
                slot.write->responder.fail(Error::peer_closed);
            slot.read.reset();
            slot.write.reset();
            std::swap(gone, slot.channel);
            continue;
        }
        if (slot.read)
            try_read(slot);
        if (slot.write)
            try_write(slot);
    }
}

}  // namespace astrata::chevron
