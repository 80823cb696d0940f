#include "strates/test/benchmark/threads.h"

#include <atomic>

#include "abi/system_calls.h"
#include "sdk/handle.h"
#include "sdk/thread.h"
#include "strates/test/measure.h"

namespace astrata::benchmark_figures {

namespace {

constexpr std::uint64_t repeats = 200;
constexpr std::uint32_t urgent = 17;  // one above the standard priority

struct Signalled {
    sdk::UniqueHandle signal;
    std::atomic<bool> is_ready = false;
    std::atomic<bool> is_over = false;
    std::atomic<std::uint64_t> signalled_at = 0;
    std::atomic<std::uint64_t> total = 0;

    static void wait(void* raw) {
        auto& self = *static_cast<Signalled*>(raw);
        (void)sys::thread_set_priority(sdk::current_thread(), urgent, 0);
        // The priority counts from the next time the thread is queued.
        self.is_ready.store(true, std::memory_order_relaxed);
        while (sys::object_wait(self.signal.get(), never).has_value() && !self.is_over.load(std::memory_order_relaxed))
            self.total.fetch_add(ticks() - self.signalled_at.load(std::memory_order_relaxed),
                                 std::memory_order_relaxed);
    }
};

struct Answering {
    sdk::UniqueHandle endpoint;

    static void run(void* raw) {
        auto const endpoint = static_cast<Answering*>(raw)->endpoint.get();
        abi::Message message{};
        abi::Handle reply = 0;
        while (sys::reply_and_wait(reply, message, endpoint, never)) {
            reply = message.reply;
            message.info = four_words;
        }
    }
    static constexpr auto four_words = abi::MessageInfo::make(0, 4 * sizeof(std::uint64_t));
};

struct Yielding {
    std::atomic<bool> is_over = false;

    static void run(void* raw) {
        while (!static_cast<Yielding*>(raw)->is_over.load(std::memory_order_relaxed))
            (void)sys::thread_yield();
    }
};

}  // namespace

Result<std::uint64_t> signal_waiting_thread() {
    static Signalled shared;
    shared.signal = sdk::UniqueHandle(TRY(sys::notification_create()));
    auto const thread = TRY(sdk::Thread::spawn(Signalled::wait, &shared, "signalled"));
    while (!shared.is_ready.load(std::memory_order_relaxed))
        TRY(sys::thread_yield());
    auto const taken = median_of([]() -> Result<std::uint64_t> {
        shared.total = 0;
        for (std::uint64_t i = 0; i != repeats; ++i) {
            shared.signalled_at = ticks();
            TRY(sys::notification_signal(shared.signal.get(), 1));
        }
        return shared.total * 10 / repeats;
    });
    shared.is_over.store(true, std::memory_order_relaxed);
    TRY(sys::notification_signal(shared.signal.get(), 1));
    return taken;
}

Result<std::uint64_t> ipc_round_trip_same_space() {
    static Answering shared;
    shared.endpoint = sdk::UniqueHandle(TRY(sys::endpoint_create()));
    auto const thread = TRY(sdk::Thread::spawn(Answering::run, &shared, "answering"));
    abi::Message message{};
    auto const taken = measure(repeats, [&] {
        message.info = Answering::four_words;
        return sys::endpoint_call(shared.endpoint.get(), message, never);
    });
    shared.endpoint = {};   // which ends the thread
    return taken;
}

Result<std::uint64_t> timer_wakes_thread() {
    constexpr std::uint64_t delay_ns = 200'000;
    sdk::UniqueHandle const timer(TRY(sys::timer_create()));
    return median_of([&]() -> Result<std::uint64_t> {
        auto const due = sys::clock_now() + delay_ns;
        TRY(sys::timer_set(timer.get(), due, 0));
        TRY(sys::object_wait(timer.get(), never));
        return (sys::clock_now().value - due.value) * 10;
    });
}

Result<std::uint64_t> yield_between_threads() {
    static Yielding shared;
    auto const thread = TRY(sdk::Thread::spawn(Yielding::run, &shared, "yielding"));
    // Each yield comes back after one of the other thread's.
    auto const taken = measure(repeats, [] { return sys::thread_yield(); });
    shared.is_over.store(true, std::memory_order_relaxed);
    TRY(sys::thread_yield());
    return taken ? Result<std::uint64_t>(*taken / 2) : taken;
}

}  // namespace astrata::benchmark_figures
