// The main loop of a strate: one wait for messages, signals and page requests, each handed to whoever asked for it.
// Per event: one system call. A small reply given by a handler travels with the wait for the next event.
#pragma once

#include <cstdint>

#include "lib/containers/vector.h"
#include "sdk/ipc/server.h"

namespace astrata::sdk {

/// For notifications, timers, interrupts, and processes that end.
class SignalHandler {
public:
    virtual ~SignalHandler() = default;
    /// `bits` are what was signalled since the last call; they are cleared.
    virtual void on_signal(std::uint64_t bits) = 0;
};

/// A signal handler made of a callable: `sdk::OnSignal done([&](std::uint64_t bits) { ... });`
template <typename Callable>
class OnSignal final : public SignalHandler {
public:
    explicit OnSignal(Callable callable) : callable_(std::move(callable)) {}
    void on_signal(std::uint64_t bits) override { callable_(bits); }

private:
    Callable callable_;
};

/// A fault on a paged memory object. The reply handle goes to pager_supply or pager_fail, now or later.
struct PageRequest {
    std::uint64_t key = 0;  ///< that memory_object_create_paged was given
    std::uint64_t first_page = 0;
    std::uint64_t page_count = 0;
    UniqueHandle reply;

    /// The pages are there, so the access that waits for them may go on: with the next wait for messages, if this is called while the
    /// request is handled.
    void finish();
};

class PageRequestHandler {
public:
    virtual ~PageRequestHandler() = default;
    virtual void on_page_request(PageRequest request) = 0;
};

class EventLoop {
public:
    /// errors    no_memory, no_resources
    [[nodiscard]] static Result<EventLoop> create();

    /// Hands messages that arrive at `endpoint` to `server`, which sees `tag` in its Caller. The loop keeps the
    /// endpoint. `server` (and `pages`) must outlive the loop. errors    no_memory, already_exists, and those of
    /// wait_set_add
    [[nodiscard]] Result<> serve(UniqueHandle endpoint, Server& server, std::uint64_t tag = 0,
                                 PageRequestHandler* pages = nullptr);
    /// An endpoint that only serves as pager of memory objects.
    [[nodiscard]] Result<> serve_pages(UniqueHandle endpoint, PageRequestHandler& pages);
    /// Calls `handler` for each signal of `source`, which is borrowed and must stay open until remove().
    [[nodiscard]] Result<> on_signal(abi::Handle source, SignalHandler& handler);
    /// Stops waiting for an endpoint (which is closed) or source. No handler of it runs afterwards.
    void remove(abi::Handle source);

    /// Runs until stop() or an error of the wait itself.
    [[nodiscard]] Result<> run();
    /// Handles one event. False when the deadline passed first.
    [[nodiscard]] Result<bool> run_once(MonotonicNs deadline);
    /// Makes run() return after the present event.
    void stop() { is_stopped_ = true; }

private:
    struct Source {
        abi::Handle handle = 0;  // 0: a free place
        UniqueHandle owned;      // endpoints
        Server* server = nullptr;
        PageRequestHandler* pages = nullptr;
        SignalHandler* signals = nullptr;
        std::uint64_t tag = 0;
        std::uint64_t key = 0;   // in the wait set: its place below, above how often a source was added
    };

    explicit EventLoop(UniqueHandle set) : set_(std::move(set)) {}
    [[nodiscard]] Result<> add(Source source);
    void dispatch(abi::Message& message);
    void dispatch_message(Source const& source, abi::Message& message);

    UniqueHandle set_;
    Vector<Source> sources_;
    std::uint64_t added_ = 0;
    bool is_stopped_ = false;
};

/// A timer to wait for with EventLoop::on_signal.
class Timer {
public:
    [[nodiscard]] static Result<Timer> create() { return Timer(UniqueHandle(TRY(sys::timer_create()))); }

    [[nodiscard]] abi::Handle get() const { return handle_.get(); }
    /// Replaces the former setting; every `period_ns` again unless 0.
    [[nodiscard]] Result<> set(MonotonicNs deadline, std::uint64_t period_ns = 0) {
        return sys::timer_set(get(), deadline, period_ns);
    }
    void disarm() { (void)sys::timer_set(get(), never, 0); }

private:
    explicit Timer(UniqueHandle handle) : handle_(std::move(handle)) {}
    UniqueHandle handle_;
};

}  // namespace astrata::sdk
