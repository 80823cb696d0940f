// The sending half of a stream: clients that write on one side, a device that takes bytes in its own time on the other.
#pragma once

#include <memory>
#include <new>

#include "lib/stream/input.h"

namespace astrata::stream {

/// Responder: `reply()` and `fail(Error)`, movable, as generated for Stream.write.
template <typename Responder>
class Output {
public:
    /// errors     no_memory
    [[nodiscard]] static Result<Output> create() {
        Output output;
        output.writers_ = TRY(RingBuffer<Writer>::create(writer_limit));
        return output;
    }

    /// A client's bytes, copied; it is answered when the device has accepted the last of them.
    void write(Bytes bytes, Responder responder) {
        if (bytes.empty())
            return responder.reply();
        if (writers_.is_full())
            return responder.fail(Error::no_resources);
        std::unique_ptr<std::byte[]> copy(new (std::nothrow) std::byte[bytes.size()]);
        if (copy == nullptr)
            return responder.fail(Error::no_memory);
        std::ranges::copy(bytes, copy.get());
        (void)writers_.push_back(Writer{std::move(copy), bytes.size(), 0, std::move(responder)});
    }

    [[nodiscard]] bool is_empty() const { return writers_.is_empty(); }
    /// The oldest bytes not accepted yet; empty if there are none.
    [[nodiscard]] Bytes pending() {
        if (writers_.is_empty())
            return {};
        auto& writer = writers_.front();
#pragma clang unsafe_buffer_usage begin  // an array of `size` bytes, allocated above
        return Bytes(writer.bytes.get(), writer.size).subspan(writer.accepted);
#pragma clang unsafe_buffer_usage end
    }
    /// The device took the first `count` bytes of pending().
    void accept(std::size_t count) {
        auto& writer = writers_.front();
        writer.accepted += count;
        if (writer.accepted >= writer.size)
            writers_.pop_front()->responder->reply();
    }

    void fail_all(Error error) {
        while (auto writer = writers_.pop_front())
            writer->responder->fail(error);
    }

private:
    static constexpr std::size_t writer_limit = 16;  // waiting at the same time

    struct Writer {
        std::unique_ptr<std::byte[]> bytes;
        std::size_t size = 0;
        std::size_t accepted = 0;
        std::optional<Responder> responder;
    };

    RingBuffer<Writer> writers_;
};

}  // namespace astrata::stream
