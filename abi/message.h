// The shape of an IPC message as Bedrock, vDSO and generated stubs see it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace astrata::abi {

using Handle = std::uint64_t;  ///< slot in the low half, generation in the high half; 0 is never valid

inline constexpr std::size_t message_register_words = 8;  ///< 64 bytes travel in registers
inline constexpr std::size_t message_register_bytes = message_register_words * 8;
inline constexpr std::size_t message_handle_limit = 4;
inline constexpr std::size_t message_byte_limit = 4032;  ///< payload of the largest message

/// Length, handle count and label of a message in one register. The label is the method's ordinal in a request and the
/// status (0 or an Error) in a reply; Bedrock passes it on unread.
struct MessageInfo {
    std::uint64_t raw = 0;

    static constexpr MessageInfo make(std::uint32_t label, std::size_t bytes, std::size_t handles = 0) {
        return {std::uint64_t{label} << 32 | std::uint64_t{handles} << 16 | std::uint64_t{bytes}};
    }
    [[nodiscard]] constexpr std::size_t bytes() const { return raw & 0xffff; }  ///< payload, 0..message_byte_limit
    [[nodiscard]] constexpr std::size_t handles() const { return (raw >> 16) & 0xff; }  ///< 0..message_handle_limit
    [[nodiscard]] constexpr std::uint32_t label() const { return static_cast<std::uint32_t>(raw >> 32); }
    /// Bits 24-31 are reserved and must be zero.
    [[nodiscard]] constexpr bool is_valid() const {
        return bytes() <= message_byte_limit && handles() <= message_handle_limit && ((raw >> 24) & 0xff) == 0;
    }
    [[nodiscard]] constexpr bool is_in_registers() const { return bytes() <= message_register_bytes; }
};

/// The page that each thread shares with Bedrock. A payload of at most 64 bytes travels in registers and leaves `data`
/// alone; a larger one lies in `data` whole. Handles always lie here. Bedrock writes `sender_*` on delivery.
struct MessageBuffer {
    std::array<std::byte, message_byte_limit> data;
    std::array<Handle, message_handle_limit> handles;
    std::uint64_t sender_silo;     ///< id of the silo that the sender belongs to
    std::uint64_t sender_process;  ///< id of the sending process
    std::uint64_t reserved[2];
};
static_assert(sizeof(MessageBuffer) == 4096);

/// What the message stubs of the vDSO exchange with their caller. In: info, words (call, reply). Out: the same for the
/// received message, and who it is from.
struct Message {
    MessageInfo info;
    std::array<std::uint64_t, message_register_words> words;
    std::uint64_t badge = 0;  ///< out: the badge of the endpoint handle that was used; kernel-stamped
    std::uint64_t key = 0;    ///< out: the key of the wait-set entry; kind in the top 8 bits (DeliveryKind)
    Handle reply = 0;         ///< out: one-shot reply handle of a call, else 0
};

}  // namespace astrata::abi
