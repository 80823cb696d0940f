#include "sdk/testing/loopback.h"

#include <algorithm>

#include "abi/vdso_unsupported.h"

namespace astrata::sdk::testing {

Loopback* Loopback::current = nullptr;

Loopback::Loopback() {
    current = this;
    astrata_vdso.endpoint_call = [](abi::Handle endpoint, abi::Message* message, std::uint64_t) {
        return current->call(endpoint, *message);
    };
    astrata_vdso.endpoint_reply = [](abi::Handle handle, abi::Message const* message) {
        return current->reply(handle, *message);
    };
    astrata_vdso.handle_close = [](std::uint64_t handle) -> std::uint64_t {
        current->closed.push_back(handle);
        return 0;
    };
    astrata_vdso.handle_info = [](std::uint64_t handle, abi::HandleInfo* info) -> std::uint64_t {
        info->kind = current->kinds_[handle];
        return 0;
    };
    astrata_vdso.thread_sleep = [](std::uint64_t) -> std::uint64_t {
        ++current->sleeps;
        return 0;
    };
}

Loopback::~Loopback() {
    astrata_vdso = unsupported_vdso_table;
    current = nullptr;
}

std::uint64_t Loopback::call(abi::Handle endpoint, abi::Message& message) {
    if (failing_calls_ != 0) {
        --failing_calls_;
        return static_cast<std::uint64_t>(Error::peer_closed);
    }
    auto const server = servers_.find(endpoint);
    if (server == servers_.end())
        return static_cast<std::uint64_t>(Error::bad_handle);
    auto const sent = payload_of(message);
    std::vector<std::byte> const payload(sent.begin(), sent.end());
    auto const reply = ++next_reply_;
    message.reply = reply;
    message.badge = endpoint * 10;
    {
        IncomingMessage incoming(message, payload, 7);
        server->second->dispatch(incoming);
    }
    auto const answer = replies_.find(reply);
    if (answer == replies_.end())
        return static_cast<std::uint64_t>(Error::peer_closed);
    message = answer->second;
    if (!message.info.is_in_registers())
        std::ranges::copy(reply_payloads_[reply], thread_context().message_buffer->data.begin());
    return 0;
}

std::uint64_t Loopback::reply(abi::Handle handle, abi::Message const& message) {
    auto const payload = payload_of(message);
    replies_[handle] = message;
    reply_payloads_[handle].assign(payload.begin(), payload.end());
    return 0;
}

}  // namespace astrata::sdk::testing
