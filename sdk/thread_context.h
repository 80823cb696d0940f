// What each thread of a strate has for itself. There is no thread pointer: the context is found by the stack pointer,
// since every stack lies in an aligned slot whose first page is the context (lib/start/layout.h).
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/message.h"
#include "abi/system_calls.h"
#include "lib/start/layout.h"

namespace astrata::sdk {

/// A reply that waits to travel with the next reply_and_wait.
struct DeferredReply {
    abi::Handle allowed = 0;  ///< the reply handle of the message being dispatched, whose answer may be deferred
    abi::Handle reply = 0;    ///< not 0: `message` answers it
    abi::Message message{};
};

struct ThreadContext {
    abi::MessageBuffer* message_buffer = nullptr;
    abi::Handle thread = 0;
    abi::Handle parker = 0;                ///< notification on which this thread sleeps in sdk/sync.h
    ThreadContext* next_waiter = nullptr;  ///< link in the wait queue of a mutex or condition variable
    std::atomic<bool> is_woken = false;
    std::uint32_t stack_slot = 0;
    std::uint64_t stack_bytes = 0;  ///< mapped at the end of the slot
    void* user = nullptr;           ///< whatever the strate keeps for each of its threads
    DeferredReply deferred;
};
static_assert(sizeof(ThreadContext) <= page_size);

#ifdef ASTRATA_HOST
/// On the host, where tests run: one for each thread of the host, with a buffer of its own.
ThreadContext& thread_context();
#else
inline ThreadContext& thread_context() {
    auto const stack = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    return *reinterpret_cast<ThreadContext*>(stack & ~(start::stack_slot_bytes - 1));
}
#endif

/// Sends the deferred reply, if there is one, now. Needed before anything that may wait for its receiver.
inline void flush_deferred_reply() {
    auto& deferred = thread_context().deferred;
    if (deferred.reply != 0) [[unlikely]] {
        // A caller that is gone is no error of ours.
        (void)sys::endpoint_reply(deferred.reply, deferred.message);
        deferred.reply = 0;
    }
}

}  // namespace astrata::sdk
