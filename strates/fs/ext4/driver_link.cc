#include "strates/fs/ext4/driver_link.h"

#include <memory>
#include <utility>

#include "abi/block.h"
#include "sdk/heap.h"
#include "sdk/log.h"
#include "sdk/memory.h"

namespace astrata::ext4_strate {
namespace {

constexpr std::uint64_t doorbell = 1;  // the bit that submit and complete signal
constexpr std::uint64_t connect_timeout_ns = 30'000'000'000;

// The handles and mappings of a session.
class Driver final : public SessionPeer {
public:
    static Result<std::unique_ptr<Driver>> connect(abi::Handle endpoint) {
        auto reply = TRY(abi::BlockClient(endpoint).connect(sys::clock_now() + connect_timeout_ns));
        auto driver = TRY(sdk::make<Driver>());
        driver->entries_ = reply.entries;
        driver->rings_ = sdk::MemoryObject(std::move(reply.rings));
        driver->buffers_ = sdk::MemoryObject(std::move(reply.buffers));
        driver->submit_ = std::move(reply.submit);
        driver->complete_ = std::move(reply.complete);
        driver->mapped_rings_ = TRY(driver->rings_.map(0, TRY(driver->rings_.size())));
        driver->mapped_buffers_ = TRY(driver->buffers_.map(0, reply.buffer_bytes));
        return driver;
    }

    void ring_doorbell() override { (void)sys::notification_signal(submit_.get(), doorbell); }
    [[nodiscard]] abi::Handle buffers() const override { return buffers_.get(); }

    [[nodiscard]] abi::Handle complete() const { return complete_.get(); }
    [[nodiscard]] std::uint32_t entries() const { return entries_; }
    [[nodiscard]] MutableBytes ring_bytes() const { return mapped_rings_.bytes(); }
    [[nodiscard]] MutableBytes buffer_bytes() const { return mapped_buffers_.bytes(); }

private:
    std::uint32_t entries_ = 0;
    sdk::MemoryObject rings_;
    sdk::MemoryObject buffers_;
    sdk::Mapping mapped_rings_;
    sdk::Mapping mapped_buffers_;
    sdk::UniqueHandle submit_;
    sdk::UniqueHandle complete_;
};

}  // namespace

Result<> DriverLink::start() {
    TRY(connect());
    // Its first start may have been announced too: that is the driver we have just connected to.
    (void)sys::object_wait(need_.restarted.get(), MonotonicNs{0});
    return loop_.on_signal(need_.restarted.get(), restarted_);
}

Result<> DriverLink::connect() {
    auto driver = TRY(Driver::connect(need_.endpoint.get()));
    auto const complete = driver->complete();
    auto const rings = driver->ring_bytes();
    auto const buffers = driver->buffer_bytes();
    auto const entries = driver->entries();
    auto session = TRY(Session::create(std::move(driver), rings, buffers, entries));
    if (complete_ != 0)
        loop_.remove(std::exchange(complete_, 0));
    TRY(loop_.on_signal(complete, completed_));
    complete_ = complete;
    disk_.attach(std::move(session));
    return {};
}

void DriverLink::on_completions() {
    auto* const session = disk_.session();
    if (session == nullptr || session->has_ended())
        return;
    auto const keep = Ref<Session>::share(*session);  // a reader may have it replaced
    if (keep->collect())
        return;
    sdk::log("the disk's driver broke its ring; connecting again");
    reconnect();
}

void DriverLink::reconnect() {
    auto const result = connect();
    if (result)
        return;
    // Our own restart is the last resort: requests without an answer will be asked again of the next instance.
    sdk::log("the disk's driver cannot be reached: ", result.error());
    failure_ = result;
    loop_.stop();
}

}  // namespace astrata::ext4_strate
