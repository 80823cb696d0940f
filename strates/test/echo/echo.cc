// The smallest strate: serves one Stream from one event loop.
#include "abi/stream.h"
#include "echo/environment.h"
#include "lib/containers/ring_buffer.h"
#include "sdk/event_loop.h"
#include "sdk/log.h"

namespace astrata {

namespace {

class EchoStream final : public abi::StreamServer {
public:
    explicit EchoStream(RingBuffer<std::byte> buffer) : buffer_(std::move(buffer)) {}

    void read(sdk::Caller const&, ReadRequest const& request, ReadResponder responder) override {
        // An echo has nothing to wait for: empty means that nothing was written.
        std::array<std::byte, 1024> chunk;
        auto const count = buffer_.read(std::span(chunk).first(std::min<std::size_t>(chunk.size(), request.limit)));
        responder.reply(Bytes(chunk).first(count));
    }
    void write(sdk::Caller const&, WriteRequest const& request, WriteResponder responder) override {
        if (request.bytes.size() > buffer_.space())
            return responder.fail(Error::no_space);
        (void)buffer_.write(request.bytes);
        responder.reply();
    }
    void unread(sdk::Caller const&, UnreadRequest const& request, UnreadResponder responder) override {
        if (request.bytes.size() > buffer_.space())
            return responder.fail(Error::no_space);
        for (auto rest = request.bytes; !rest.empty(); rest = rest.first(rest.size() - 1))
            (void)buffer_.push_front(rest.back());
        responder.reply();
    }
    void size(sdk::Caller const&, SizeRequest const&, SizeResponder responder) override { responder.reply(0, 0); }

private:
    RingBuffer<std::byte> buffer_;
};

}  // namespace

Result<> strate_main(echo::Environment& environment) {
    EchoStream stream(TRY(RingBuffer<std::byte>::create(16 << 10)));
    auto loop = TRY(sdk::EventLoop::create());
    TRY(loop.serve(std::move(environment.stream), stream));
    return loop.run();
}

}  // namespace astrata
