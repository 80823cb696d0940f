#include "sdk/event_loop.h"

#include <cstring>

namespace astrata::sdk {

namespace {

// The key of a delivery: kind above, the source's own key below.
constexpr unsigned kind_shift = 56;
constexpr std::uint64_t key_mask = (std::uint64_t{1} << kind_shift) - 1;
constexpr unsigned place_bits = 16;
constexpr std::uint64_t place_mask = (std::uint64_t{1} << place_bits) - 1;

}  // namespace

Result<EventLoop> EventLoop::create() {
    return EventLoop(UniqueHandle(TRY(sys::wait_set_create())));
}

Result<> EventLoop::add(Source source) {
    std::size_t place = 0;
    while (place != sources_.size() && sources_[place].handle != 0)
        ++place;
    if (place > place_mask)
        return fail(Error::no_resources);
    if (place == sources_.size())
        TRY(sources_.push_back({}));
    // No two sources share a key: one whose handle was closed before it was removed stays in the kernel's set for as long as
    // others hold it, and what it still says must not reach its successor.
    source.key = (++added_ << place_bits | place) & key_mask;
    TRY(sys::wait_set_add(set_.get(), source.handle, source.key));
    sources_[place] = std::move(source);
    return {};
}

Result<> EventLoop::serve(UniqueHandle endpoint, Server& server, std::uint64_t tag, PageRequestHandler* pages) {
    auto const handle = endpoint.get();
    return add({.handle = handle, .owned = std::move(endpoint), .server = &server, .pages = pages, .tag = tag});
}

Result<> EventLoop::serve_pages(UniqueHandle endpoint, PageRequestHandler& pages) {
    auto const handle = endpoint.get();
    return add({.handle = handle, .owned = std::move(endpoint), .pages = &pages});
}

Result<> EventLoop::on_signal(abi::Handle source, SignalHandler& handler) {
    return add({.handle = source, .signals = &handler});
}

void EventLoop::remove(abi::Handle source) {
    for (auto& candidate : sources_) {
        if (candidate.handle == source) {
            // Fails if the source itself is gone, which removes it as well.
            (void)sys::wait_set_remove(set_.get(), source);
            candidate = {};
            return;
        }
    }
}

Result<> EventLoop::run() {
    while (!is_stopped_)
        (void)TRY(run_once(never));
    is_stopped_ = false;
    flush_deferred_reply();
    return {};
}

Result<bool> EventLoop::run_once(MonotonicNs deadline) {
    auto& deferred = thread_context().deferred;
    abi::Message message;
    auto const reply = std::exchange(deferred.reply, 0);
    if (reply != 0)
        message = deferred.message;
    auto const waited = sys::reply_and_wait(reply, message, set_.get(), deadline);
    if (!waited) {
        if (waited.error() == Error::timed_out || waited.error() == Error::would_block)
            return false;
        // With a reply on the way, the next round shows whether it was the reply or the wait that failed.
        if (waited.error() == Error::interrupted || reply != 0)
            return true;
        return fail(waited.error());
    }
    dispatch(message);
    return true;
}

void PageRequest::finish() {
    OutgoingReply answer(0);
    // Whoever does not wait any more is no error of the pager.
    (void)answer.send(reply.release(), 0);
}

void EventLoop::dispatch(abi::Message& message) {
    auto const kind = static_cast<abi::DeliveryKind>(message.key >> kind_shift);
    auto const key = message.key & key_mask;
    auto const place = key & place_mask;
    if (place >= sources_.size() || sources_[place].handle == 0 || sources_[place].key != key) {
        UniqueHandle const unanswered(message.reply);
        return;
    }
    auto const& source = sources_[place];
    switch (kind) {
    case abi::DeliveryKind::message: return dispatch_message(source, message);
    case abi::DeliveryKind::signal:
        if (source.signals != nullptr)
            source.signals->on_signal(message.words[0]);
        return;
    case abi::DeliveryKind::page_request: {
        PageRequest request{.key = message.words[0],
                            .first_page = message.words[1],
                            .page_count = message.words[2],
                            .reply = UniqueHandle(message.reply)};
        auto& deferred = thread_context().deferred;
        deferred.allowed = message.reply;
        if (source.pages != nullptr)
            source.pages->on_page_request(std::move(request));
        deferred.allowed = 0;
        return;
    }
    }
}

void EventLoop::dispatch_message(Source const& source, abi::Message& message) {
    // Handlers may make calls of their own, which use the message buffer.
    std::array<std::byte, abi::message_byte_limit> copy;
    Bytes payload = payload_of(message);
    if (!message.info.is_in_registers()) {
        std::memcpy(copy.data(), payload.data(), payload.size());
        payload = Bytes(copy).first(payload.size());
    }
    auto& deferred = thread_context().deferred;
    IncomingMessage incoming(message, payload, source.tag);
    deferred.allowed = message.reply;
    if (source.server != nullptr)
        source.server->dispatch(incoming);
    else
        incoming.refuse();
    deferred.allowed = 0;
}

}  // namespace astrata::sdk
