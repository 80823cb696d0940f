// The receiving half of a stream: bytes from the device on one side, clients that read on the other.
#pragma once

#include <algorithm>
#include <array>

#include "lib/base/bytes.h"
#include "lib/containers/ring_buffer.h"

namespace astrata::stream {

/// Most bytes of one read's reply or one write (abi/interfaces/stream.abi).
inline constexpr std::size_t message_bytes = 4000;

/// Responder: `reply(Bytes)` and `fail(Error)`, movable, as generated for Stream.read.
template <typename Responder>
class Input {
public:
    /// capacity   bytes of received data to hold; unread bytes have message_bytes more
    /// errors     no_memory
    [[nodiscard]] static Result<Input> create(std::size_t capacity) {
        Input input(capacity);
        input.bytes_ = TRY(RingBuffer<std::byte>::create(capacity + message_bytes));
        input.readers_ = TRY(RingBuffer<Reader>::create(reader_limit));
        return input;
    }

    /// A client wants at most `limit` bytes; it is answered now, or when there are some.
    void read(std::uint32_t limit, Responder responder) {
        if (limit == 0)
            return responder.fail(Error::invalid_argument);
        // Whoever asks last has the stream: a reader that has been replaced, or whose call timed out, must not swallow
        // what comes next.
        fail_all(Error::cancelled);
        (void)readers_.push_back(Reader{std::min<std::size_t>(limit, message_bytes), std::move(responder)});
        serve();
    }

    /// Puts bytes back in front. Without any, the read that waits is called back instead: it fails with cancelled.
    /// errors    no_resources (more than there is room for; nothing was taken)
    [[nodiscard]] Result<> unread(Bytes bytes) {
        if (bytes.size() > bytes_.space())
            return fail(Error::no_resources);
        if (bytes.empty())
            fail_all(Error::cancelled);
        for (std::size_t index = bytes.size(); index-- != 0;)
            (void)bytes_.push_front(bytes[index]);
        serve();
        return {};
    }

    /// How much the device may deliver now; it keeps the rest.
    [[nodiscard]] std::size_t space() const { return bytes_.size() < capacity_ ? capacity_ - bytes_.size() : 0; }
    /// Takes bytes from the device, at most space(), and serves who waits. Returns how many.
    std::size_t receive(Bytes bytes) {
        auto const count = bytes_.write(bytes.first(std::min(bytes.size(), space())));
        serve();
        return count;
    }

    /// The other side has closed: once everything is read, reads return nothing at once. Undone by reopen().
    void close() {
        is_closed_ = true;
        serve();
    }
    void reopen() { is_closed_ = false; }
    [[nodiscard]] bool is_closed() const { return is_closed_; }
    [[nodiscard]] bool has_readers() const { return !readers_.is_empty(); }

    /// Nothing will come any more, and not because it was closed: everybody waiting fails.
    void fail_all(Error error) {
        while (auto reader = readers_.pop_front())
            reader->responder->fail(error);
    }

private:
    static constexpr std::size_t reader_limit = 16;  // waiting at the same time

    struct Reader {
        std::size_t limit = 0;
        std::optional<Responder> responder;
    };

    explicit Input(std::size_t capacity) : capacity_(capacity) {}

    void serve() {
        while (!readers_.is_empty() && (!bytes_.is_empty() || is_closed_)) {
            auto reader = readers_.pop_front();
            std::array<std::byte, message_bytes> chunk;
            auto const count = bytes_.read(MutableBytes(chunk).first(reader->limit));
            reader->responder->reply(Bytes(chunk).first(count));
        }
    }

    std::size_t capacity_;
    RingBuffer<std::byte> bytes_;
    RingBuffer<Reader> readers_;
    bool is_closed_ = false;
};

}  // namespace astrata::stream
