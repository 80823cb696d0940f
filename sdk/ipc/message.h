// Building and reading message payloads: at most 64 bytes in registers, more in the thread's message buffer.
#pragma once

#include <array>
#include <cstring>

#include "abi/message.h"
#include "lib/base/bytes.h"
#include "sdk/handle.h"
#include "sdk/thread_context.h"

namespace astrata::sdk {

/// A message being built. Offsets and sizes come from generated code, which has checked them.
class OutgoingMessage {
public:
    explicit OutgoingMessage(std::size_t payload_bytes)
        : payload_(payload_bytes <= abi::message_register_bytes
                       ? std::as_writable_bytes(std::span(message_.words)).first(payload_bytes)
                       : MutableBytes(thread_context().message_buffer->data).first(payload_bytes)) {
        // Registers that carry nothing must not carry what this thread did before.
        message_.words.fill(0);
    }
    OutgoingMessage(OutgoingMessage const&) = delete;
    OutgoingMessage& operator=(OutgoingMessage const&) = delete;

    template <typename T>
    void put(std::size_t offset, T const& value) {
        std::memcpy(payload_.subspan(offset, sizeof(T)).data(), &value, sizeof(T));
    }
    void put_bytes(std::size_t offset, Bytes bytes) {
        if (!bytes.empty())
            std::memmove(payload_.subspan(offset, bytes.size()).data(), bytes.data(), bytes.size());
    }
    void put_handle(abi::Handle handle) { thread_context().message_buffer->handles[handles_++] = handle; }

protected:
    abi::Message& finish_message(std::uint32_t label) {
        message_.info = abi::MessageInfo::make(label, payload_.size(), handles_);
        return message_;
    }

    abi::Message message_;
    MutableBytes payload_;
    std::size_t handles_ = 0;
};

/// The payload that `message` announces, where it lies.
inline Bytes payload_of(abi::Message const& message) {
    auto const size = std::min(message.info.bytes(), abi::message_byte_limit);
    return message.info.is_in_registers() ? std::as_bytes(std::span(message.words)).first(size)
                                          : Bytes(thread_context().message_buffer->data).first(size);
}

/// A received payload and its handles. Reading outside it is a mistake of the caller, who checks size() first.
class ReceivedPayload {
public:
    ReceivedPayload() = default;
    /// Takes over the handles that came with the message.
    void receive(Bytes payload, std::size_t handles) {
        payload_ = payload;
        handle_count_ = std::min(handles, abi::message_handle_limit);
        for (std::size_t i = 0; i != handle_count_; ++i)
            handles_[i] = UniqueHandle(thread_context().message_buffer->handles[i]);
    }

    [[nodiscard]] std::size_t size() const { return payload_.size(); }
    [[nodiscard]] std::size_t handle_count() const { return handle_count_; }
    template <typename T>
    [[nodiscard]] T get(std::size_t offset) const {
        T value;
        std::memcpy(&value, payload_.subspan(offset, sizeof(T)).data(), sizeof(T));
        return value;
    }
    [[nodiscard]] Bytes part(std::size_t offset, std::size_t length) const { return payload_.subspan(offset, length); }
    [[nodiscard]] UniqueHandle take_handle(std::size_t position) { return std::move(handles_[position]); }
    /// True if the handle names an object of that kind.
    [[nodiscard]] bool has_handle_of_kind(std::size_t position, abi::ObjectKind kind) const {
        auto const info = sys::handle_info(handles_[position].get());
        return info && info->kind == kind;
    }

private:
    Bytes payload_;
    std::size_t handle_count_ = 0;
    std::array<UniqueHandle, abi::message_handle_limit> handles_;
};

}  // namespace astrata::sdk
