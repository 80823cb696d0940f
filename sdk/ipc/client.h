// What generated clients are made of: one outgoing call, and the retrying of idempotent ones.
#pragma once

#include <type_traits>
#include <utility>

#include "sdk/ipc/message.h"

namespace astrata::sdk {

/// A call being built, sent, and its reply read.
class OutgoingCall : public OutgoingMessage {
public:
    OutgoingCall(std::uint32_t method, std::size_t payload_bytes)
        : OutgoingMessage(prepare(payload_bytes)), method_(method) {}

    /// errors    those of endpoint_call, and whatever the server answers with
    [[nodiscard]] Result<> send(abi::Handle endpoint, MonotonicNs deadline) {
        TRY(sys::endpoint_call(endpoint, finish_message(method_), deadline));
        was_delivered_ = true;
        reply_.receive(payload_of(message_), message_.info.handles());
        if (auto const status = message_.info.label(); status != 0)
            return fail(sys::detail::to_error(status));
        return {};
    }
    /// True when the request reached its receiver: its handles are then the receiver's.
    [[nodiscard]] bool was_delivered() const { return was_delivered_; }

    [[nodiscard]] std::size_t size() const { return reply_.size(); }
    [[nodiscard]] std::size_t handle_count() const { return reply_.handle_count(); }
    template <typename T>
    [[nodiscard]] T get(std::size_t offset) const {
        return reply_.get<T>(offset);
    }
    [[nodiscard]] Bytes part(std::size_t offset, std::size_t length) const { return reply_.part(offset, length); }
    [[nodiscard]] UniqueHandle take_handle(std::size_t position) { return reply_.take_handle(position); }

private:
    // The receiver of a deferred reply may be whom this call waits for, and the reply's buffer is about to be reused.
    static std::size_t prepare(std::size_t payload_bytes) {
        flush_deferred_reply();
        return payload_bytes;
    }

    std::uint32_t method_;
    bool was_delivered_ = false;
    ReceivedPayload reply_;
};

/// Sleeps before attempt `attempt` (from 0) of a retried call.
/// returns    false when no more attempts are left, or the deadline comes first
[[nodiscard]] bool pause_before_retry(unsigned attempt, MonotonicNs deadline);

/// Repeats `attempt` while its peer is away, as it is when the provider is being restarted: about 5 s in all.
template <typename Attempt>
std::invoke_result_t<Attempt> retry_while_closed(MonotonicNs deadline, Attempt attempt) {
    for (unsigned number = 0;; ++number) {
        auto result = attempt();
        if (result || result.error() != Error::peer_closed || !pause_before_retry(number, deadline)) [[likely]]
            return result;
    }
}

}  // namespace astrata::sdk
