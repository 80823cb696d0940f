// Serves a virtio disk: sessions by message, data by rings.
#include "abi/block.h"
#include "sdk/driver/virtio_device.h"
#include "sdk/event_loop.h"
#include "sdk/log.h"
#include "strates/drivers/block/virtio-blk/engine.h"
#include "virtio-blk/environment.h"

namespace astrata {

namespace {

using virtio_blk::Engine;
using virtio_blk::Layout;

constexpr std::uint64_t pool_bytes = 1 << 20;
constexpr std::uint64_t doorbell = 1;  // the bit that submit and complete signal

// Rounds of looking at the used ring before sleeping: a device that is about to answer is cheaper to await than to be
// interrupted by.
constexpr int look_again_limit = 32;

// What a client shares with us beside the pool of buffers.
struct Connection {
    sdk::MemoryObject rings;
    sdk::Mapping mapped_rings;
    sdk::UniqueHandle submit;
    sdk::UniqueHandle complete;

    static Result<Connection> create() {
        constexpr auto ring_bytes = Layout{virtio_blk::ring_entries}.bytes();
        Connection made;
        made.rings = TRY(sdk::MemoryObject::create(ring_bytes));
        made.mapped_rings = TRY(made.rings.map(0, ring_bytes));
        made.submit = sdk::UniqueHandle(TRY(sys::notification_create()));
        made.complete = sdk::UniqueHandle(TRY(sys::notification_create()));
        return made;
    }
};

class DiskServer final : public abi::BlockServer, public sdk::SignalHandler {
public:
    DiskServer(sdk::VirtioDevice& device, Engine& engine, sdk::EventLoop& loop)
        : device_(device), engine_(engine), loop_(loop), submitted_(*this) {}

    void geometry(sdk::Caller const&, GeometryRequest const&, GeometryResponder responder) override {
        responder.reply(engine_.geometry());
    }

    void connect(sdk::Caller const&, ConnectRequest const&, ConnectResponder responder) override {
        // The device may still write into the former session's memory, so that is given up only when it has finished.
        engine_.detach();
        waiting_ = std::move(responder);  // a client that waited already fails with `cancelled`
        pump();
    }

    // The device's interrupt.
    void on_signal(std::uint64_t) override {
        device_.begin_interrupt();
        pump();
        device_.end_interrupt();
    }

    [[nodiscard]] Result<> failure() const { return failure_; }

private:
    // The client's doorbell.
    class Submitted final : public sdk::SignalHandler {
    public:
        explicit Submitted(DiskServer& server) : server_(server) {}
        void on_signal(std::uint64_t) override { server_.pump(); }

    private:
        DiskServer& server_;
    };

    // Works until there is nothing to do and an interrupt or doorbell will tell when there is.
    void pump() {
        do {
            engine_.disable_interrupts();
            for (int idle = 0; idle < look_again_limit; ++idle) {
                auto const work = engine_.work();
                if (!work) {
                    failure_ = fail(work.error());
                    return loop_.stop();
                }
                if (work->must_signal)
                    (void)sys::notification_signal(connection_.complete.get(), doorbell);
                if (work->is_session_broken)
                    sdk::log("the client broke its ring and was disconnected");
                if (work->has_progress)
                    idle = 0;
                else if (engine_.in_flight() == 0)
                    break;
            }
        } while (engine_.enable_interrupts());
        if (waiting_ && engine_.in_flight() == 0)
            finish_connect();
    }

    void finish_connect() {
        auto responder = std::move(*waiting_);
        waiting_.reset();
        if (auto const result = open_session(responder); !result)
            responder.fail(result.error());
    }

    Result<> open_session(ConnectResponder& responder) {
        if (connection_.submit)
            loop_.remove(connection_.submit.get());
        connection_ = {};
        connection_ = TRY(Connection::create());
        // One pool serves all sessions, one after the other: what one client could find of another's in it are blocks
        // of the disk that both may read.
        if (!pool_.object())
            pool_ = TRY(sdk::DmaMemory::create(device_.dma_domain(), pool_bytes));
        auto const session = TRY(virtio_blk::Session::create(connection_.mapped_rings.bytes(), pool_.block()));
        TRY(loop_.on_signal(connection_.submit.get(), submitted_));
        using enum abi::Rights;
        constexpr auto memory = read | write | map | inspect | duplicate | transfer;
        auto rings = TRY(connection_.rings.handle().duplicate(memory));
        auto buffers = TRY(pool_.object().duplicate(memory));
        auto submit = TRY(connection_.submit.duplicate(send | duplicate | transfer));
        auto complete = TRY(connection_.complete.duplicate(receive | duplicate | transfer));
        engine_.attach(session);
        responder.reply(std::move(rings), std::move(buffers), std::move(submit), std::move(complete),
                        virtio_blk::ring_entries, pool_bytes);
        return {};
    }

    sdk::VirtioDevice& device_;
    Engine& engine_;
    sdk::EventLoop& loop_;
    Submitted submitted_;
    sdk::DmaMemory pool_;
    Connection connection_;
    std::optional<ConnectResponder> waiting_;
    Result<> failure_;
};

}  // namespace

Result<> strate_main(virtio_blk::Environment& environment) {
    auto const device = TRY(sdk::VirtioDevice::open(environment.device.get()));
    auto const engine = TRY(Engine::create(device->transport(), device->dma(), device->vector()));
    auto const& geometry = engine->geometry();
    sdk::log(geometry.blocks, " blocks of ", geometry.block_size, " bytes",
             has(geometry.flags, abi::BlockFlags::read_only) ? ", read-only" : "", ", serial '", geometry.serial.view(),
             "'");
    auto loop = TRY(sdk::EventLoop::create());
    DiskServer server(*device, *engine, loop);
    TRY(loop.on_signal(device->interrupt(), server));
    TRY(loop.serve(std::move(environment.block), server));
    TRY(loop.run());
    return server.failure();
}

}  // namespace astrata
