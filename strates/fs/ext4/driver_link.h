// The connection to the disk's driver, made anew whenever the driver has been.
#pragma once

#include "sdk/environment.h"
#include "sdk/event_loop.h"
#include "strates/fs/ext4/disk.h"

namespace astrata::ext4_strate {

class DriverLink {
public:
    /// All are borrowed. `need` is the strate's Block.
    DriverLink(sdk::Need const& need, sdk::EventLoop& loop, Disk& disk)
        : need_(need), loop_(loop), disk_(disk), completed_(*this), restarted_(*this) {}

    /// Opens the first session and watches for completions and restarts from then on.
    /// errors    those of the driver and of the event loop
    [[nodiscard]] Result<> start();

    /// Why the loop was stopped, if it was.
    [[nodiscard]] Result<> failure() const { return failure_; }

private:
    class Completed final : public sdk::SignalHandler {
    public:
        explicit Completed(DriverLink& link) : link_(link) {}
        void on_signal(std::uint64_t) override { link_.on_completions(); }

    private:
        DriverLink& link_;
    };
    class Restarted final : public sdk::SignalHandler {
    public:
        explicit Restarted(DriverLink& link) : link_(link) {}
        void on_signal(std::uint64_t) override { link_.reconnect(); }

    private:
        DriverLink& link_;
    };

    [[nodiscard]] Result<> connect();
    void on_completions();
    void reconnect();

    sdk::Need const& need_;
    sdk::EventLoop& loop_;
    Disk& disk_;
    Completed completed_;
    Restarted restarted_;
    abi::Handle complete_ = 0;  // the present session's, while the loop waits for it
    Result<> failure_;
};

}  // namespace astrata::ext4_strate
