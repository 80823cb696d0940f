// Hands what the device gives to Bedrock, at the start and now and then.
#include "sdk/driver/virtio_device.h"
#include "sdk/event_loop.h"
#include "sdk/log.h"
#include "strates/drivers/random/virtio-rng/source.h"
#include "virtio-rng/environment.h"

namespace astrata {

namespace {

using virtio_rng::Source;

// Each time as much as the generator's state and half of it again, in case the device is not as good as it says.
constexpr std::size_t wanted_bytes = 64;
constexpr std::uint64_t interval_ns = 300'000'000'000;

class Feeder final {
public:
    Feeder(sdk::VirtioDevice& device, Source& source, abi::Handle root_silo, sdk::EventLoop& loop, sdk::Timer& timer)
        : device_(device), source_(source), root_silo_(root_silo), loop_(loop), timer_(timer) {}

    void begin() {
        given_ = 0;
        settle(source_.request());
    }
    void on_interrupt() {
        device_.begin_interrupt();
        settle(hand_over());
        device_.end_interrupt();
    }
    [[nodiscard]] Result<> failure() const { return failure_; }

private:
    Result<> hand_over() {
        auto const bytes = TRY(source_.take());
        if (!bytes)
            return {};
        TRY(sys::random_add(root_silo_, *bytes));
        given_ += bytes->size();
        if (given_ < wanted_bytes)
            return source_.request();
        if (!is_told_)
            sdk::log(given_, " random bytes from the host for Bedrock");
        is_told_ = true;
        return timer_.set(sys::clock_now() + interval_ns);
    }
    void settle(Result<> result) {
        if (result)
            return;
        failure_ = result;
        loop_.stop();
    }

    sdk::VirtioDevice& device_;
    Source& source_;
    abi::Handle root_silo_;
    sdk::EventLoop& loop_;
    sdk::Timer& timer_;
    std::size_t given_ = 0;  // in this round
    bool is_told_ = false;
    Result<> failure_;
};

}  // namespace

Result<> strate_main(virtio_rng::Environment& environment) {
    auto const device = TRY(sdk::VirtioDevice::open(environment.device.get()));
    auto const source = TRY(Source::create(device->transport(), device->dma(), device->vector()));
    auto loop = TRY(sdk::EventLoop::create());
    auto timer = TRY(sdk::Timer::create());
    Feeder feeder(*device, *source, environment.entropy.get(), loop, timer);
    sdk::OnSignal interrupt([&](std::uint64_t) { feeder.on_interrupt(); });
    sdk::OnSignal due([&](std::uint64_t) { feeder.begin(); });
    TRY(loop.on_signal(device->interrupt(), interrupt));
    TRY(loop.on_signal(timer.get(), due));
    feeder.begin();
    TRY(loop.run());
    return feeder.failure();
}

}  // namespace astrata
