#include "sdk/ipc/server.h"

namespace astrata::sdk {

bool OutgoingReply::send(abi::Handle reply, std::uint32_t status) {
    auto& message = finish_message(status);
    auto& deferred = thread_context().deferred;
    if (reply == deferred.allowed && message.info.is_in_registers() && handles_ == 0) {
        flush_deferred_reply();
        deferred.reply = reply;
        deferred.message = message;
        return true;
    }
    return sys::endpoint_reply(reply, message).has_value();
}

void Responder::fail(Error error) {
    if (!reply_)
        return;
    OutgoingReply reply(0);
    if (reply.send(reply_.get(), static_cast<std::uint32_t>(error)))
        (void)reply_.release();
    else
        reply_.reset();  // closing it fails the call with peer_closed
}

bool Responder::finish(OutgoingReply& reply) {
    if (!reply_)
        return false;
    if (reply.send(reply_.get(), 0)) {
        (void)reply_.release();
        return true;
    }
    // The receiver could not take the handles, its table being full for instance.
    fail(Error::no_resources);
    return false;
}

IncomingMessage::IncomingMessage(abi::Message const& message, Bytes payload, std::uint64_t tag)
    : method_(message.info.label()), reply_(message.reply) {
    auto const& buffer = *thread_context().message_buffer;
    caller_ = {.badge = message.badge, .silo = buffer.sender_silo, .process = buffer.sender_process, .tag = tag};
    payload_.receive(payload, message.info.handles());
}

}  // namespace astrata::sdk
