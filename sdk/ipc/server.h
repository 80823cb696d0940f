// What generated servers are made of: a received message, its sender, and the obligation to answer.
#pragma once

#include <utility>

#include "sdk/ipc/message.h"

namespace astrata::sdk {

/// Who sent a message. Bedrock stamps badge, silo and process; senders cannot forge them.
struct Caller {
    std::uint64_t badge = 0;    ///< of the endpoint handle that was used
    std::uint64_t silo = 0;     ///< id of the sender's silo
    std::uint64_t process = 0;  ///< id of the sending process
    std::uint64_t tag = 0;      ///< what EventLoop::serve was given with the endpoint
};

class OutgoingReply : public OutgoingMessage {
public:
    explicit OutgoingReply(std::size_t payload_bytes) : OutgoingMessage(prepare(payload_bytes)) {}

    /// True when it was sent, or will be with the next wait. Handles in it belong to the receiver then.
    bool send(abi::Handle reply, std::uint32_t status);

private:
    // A deferred reply keeps its payload in registers, so only a second one needs the first to leave.
    static std::size_t prepare(std::size_t payload_bytes) { return payload_bytes; }
};

/// The obligation to answer one call. Moves; may be kept and answered later by the same thread. A call whose responder
/// goes away unanswered fails with `cancelled`.
class Responder {
public:
    explicit Responder(UniqueHandle reply) : reply_(std::move(reply)) {}
    Responder(Responder&&) = default;
    Responder& operator=(Responder&& other) noexcept {
        cancel();
        reply_ = std::move(other.reply_);
        return *this;
    }
    ~Responder() { cancel(); }

    /// The call fails with `error`. Does nothing when already answered.
    void fail(Error error);
    [[nodiscard]] bool is_pending() const { return static_cast<bool>(reply_); }

protected:
    /// Sends a built reply; true when its handles have moved.
    bool finish(OutgoingReply& reply);

private:
    void cancel() {
        if (reply_)
            fail(Error::cancelled);
    }
    UniqueHandle reply_;
};

/// A received call. The payload is a copy (or lies in registers), so handlers may make calls of their own while they
/// read it.
class IncomingMessage {
public:
    IncomingMessage(abi::Message const& message, Bytes payload, std::uint64_t tag);

    [[nodiscard]] std::uint32_t method() const { return method_; }
    [[nodiscard]] Caller const& caller() const { return caller_; }
    [[nodiscard]] std::size_t size() const { return payload_.size(); }
    [[nodiscard]] std::size_t handle_count() const { return payload_.handle_count(); }
    template <typename T>
    [[nodiscard]] T get(std::size_t offset) const {
        return payload_.get<T>(offset);
    }
    [[nodiscard]] Bytes part(std::size_t offset, std::size_t length) const { return payload_.part(offset, length); }
    [[nodiscard]] UniqueHandle take_handle(std::size_t position) { return payload_.take_handle(position); }
    [[nodiscard]] bool has_handle_of_kind(std::size_t position, abi::ObjectKind kind) const {
        return payload_.has_handle_of_kind(position, kind);
    }
    [[nodiscard]] UniqueHandle take_reply() { return std::move(reply_); }
    /// Answers bad_message: it does not follow its interface.
    void refuse() { Responder(take_reply()).fail(Error::bad_message); }

private:
    std::uint32_t method_;
    Caller caller_;
    ReceivedPayload payload_;
    UniqueHandle reply_;
};

/// What an event loop hands messages to; generated for each interface.
class Server {
public:
    virtual ~Server() = default;
    virtual void dispatch(IncomingMessage& message) = 0;
};

}  // namespace astrata::sdk
