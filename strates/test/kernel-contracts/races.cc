#include "strates/test/kernel-contracts/races.h"

#include <atomic>
#include <cstdint>

#include "abi/system_calls.h"
#include "sdk/handle.h"
#include "sdk/thread.h"
#include "sdk/thread_context.h"

namespace astrata::kernel_contracts {

namespace {

constexpr int rounds = 20'000;
constexpr std::uint64_t patience_ns = 5'000'000'000;

// One thread sends a handle, another one exchanges it in the sender's buffer all the time.
struct Exchange {
    sdk::UniqueHandle endpoint;
    sdk::UniqueHandle may_go;
    sdk::UniqueHandle must_stay;
    std::atomic<abi::Handle*> place = nullptr;
    std::atomic<bool> is_over = false;

    static void send(void* raw) {
        auto& shared = *static_cast<Exchange*>(raw);
        shared.place = &sdk::thread_context().message_buffer->handles[0];
        while (!shared.is_over.load(std::memory_order_relaxed)) {
            abi::Message message{.info = abi::MessageInfo::make(0, 0, 1), .words = {}};
            (void)sys::endpoint_call(shared.endpoint.get(), message, sys::clock_now() + patience_ns);
        }
    }
    static void exchange(void* raw) {
        auto& shared = *static_cast<Exchange*>(raw);
        while (shared.place.load() == nullptr)
            (void)sys::thread_yield();
        std::atomic_ref place(*shared.place.load());
        while (!shared.is_over.load(std::memory_order_relaxed)) {
            place.store(shared.must_stay.get(), std::memory_order_relaxed);
            place.store(shared.may_go.get(), std::memory_order_relaxed);
        }
    }
};

}  // namespace

Result<unsigned> moves_of_handles_that_must_stay() {
    using abi::Rights;
    static Exchange shared;
    shared.endpoint = sdk::UniqueHandle(TRY(sys::endpoint_create()));
    sdk::UniqueHandle const signal(TRY(sys::notification_create()));
    sdk::UniqueHandle const secret(TRY(sys::notification_create()));
    shared.may_go = sdk::UniqueHandle(TRY(sys::handle_duplicate(signal.get(), Rights::transfer, 0)));
    shared.must_stay = sdk::UniqueHandle(TRY(sys::handle_duplicate(secret.get(), Rights::send, 0)));
    auto const secret_id = TRY(sys::handle_info(secret.get())).object_id;
    auto const sending = TRY(sdk::Thread::spawn(Exchange::send, &shared, "sending"));
    auto const exchanging = TRY(sdk::Thread::spawn(Exchange::exchange, &shared, "exchanging"));
    unsigned moved = 0;
    abi::Message message{};
    for (int round = 0; round < rounds; ++round) {
        auto const reply = message.reply;
        message.info = {};
        // Between threads of one process a handle keeps its value.
        TRY(sys::reply_and_wait(reply, message, shared.endpoint.get(), sys::clock_now() + patience_ns));
        auto const arrived = sdk::thread_context().message_buffer->handles[0];
        if (TRY(sys::handle_info(arrived)).object_id == secret_id)
            ++moved;
    }
    shared.is_over = true;
    message.info = {};
    TRY(sys::endpoint_reply(message.reply, message));
    return moved;
}

}  // namespace astrata::kernel_contracts
