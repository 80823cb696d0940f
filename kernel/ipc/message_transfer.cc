#include "kernel/ipc/message_transfer.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

namespace {

constexpr unsigned kind_shift = 56;

// The handles named in a buffer, each read once: other threads of the process may write there at any time.
MessageHandles handles_named_in(abi::MessageBuffer& buffer, std::size_t count) {
    MessageHandles handles{.count = count};
    for (std::size_t i = 0; i < count; ++i)
        handles.values[i] = std::atomic_ref(buffer.handles[i]).load(std::memory_order_relaxed);
    return handles;
}

void name_in(abi::MessageBuffer& buffer, MessageHandles const& handles) {
    for (std::size_t i = 0; i < handles.count; ++i)
        buffer.handles[i] = handles.values[i];
}

Result<MessageHandles> move_handles(Thread& from, Thread& to, std::size_t count) {
    auto handles = handles_named_in(*from.buffer, count);
    auto moved = from.process().handles().move_message(handles, to.process().handles());
    if (!moved)
        name_in(*from.buffer, handles);
    return moved;
}

void copy_payload(Thread const& from, std::uint64_t const* words, abi::MessageInfo info, Thread& to) {
    if (info.is_in_registers())
        __builtin_memcpy_inline(to.frame->words.data(), words, sizeof(to.frame->words));
    else
        std::memcpy(to.buffer->data.data(), from.buffer->data.data(), info.bytes());
    to.frame->info() = info.raw;
}

}  // namespace

Result<> deliver_call(Thread& sender, Thread& receiver, std::uint64_t key) {
    auto const& message = sender.outgoing;
    auto& table = receiver.process().handles();
    auto const reply = TRY(table.insert_reply(Ref<Reply>::share(sender.reply()), sender.call_number));
    if (auto const count = message.info.handles(); count != 0) {
        auto const moved = move_handles(sender, receiver, count);
        if (!moved) {
            (void)table.take_reply(reply);
            return fail(moved.error());
        }
        // A call that has ended meanwhile, by its deadline or a kick, keeps its handles, and the receiver learns
        // nothing of it.
        if (!sender.is_waiting()) {
            name_in(*sender.buffer, table.return_message(*moved, sender.process().handles()));
            (void)table.take_reply(reply);
            return fail(Error::interrupted);
        }
        name_in(*receiver.buffer, *moved);
    }
    copy_payload(sender, message.words, message.info, receiver);
    receiver.buffer->sender_silo = sender.sender.silo;
    receiver.buffer->sender_process = sender.sender.process;
    auto& frame = *receiver.frame;
    frame.handle() = reply;
    frame.badge() = message.badge;
    frame.key() = key | static_cast<std::uint64_t>(message.kind) << kind_shift;
    receiver.has_delivery = true;
    // It works for the sender now. It is running or asleep, in no queue.
    receiver.resting_priority = std::max(receiver.base_priority, sender.effective_priority);
    receiver.effective_priority = receiver.resting_priority;
    return {};
}

Result<> deliver_reply(Thread& replier, abi::MessageInfo info, Thread& caller) {
    if (caller.outgoing.kind == abi::DeliveryKind::page_request) {
        // An ordinary reply to a page request says only whether to try again.
        if (info.label() != 0)
            caller.set_wake_status(static_cast<std::uint32_t>(Error::io));
        return {};
    }
    if (auto const count = info.handles(); count != 0) {
        auto const moved = move_handles(replier, caller, count);
        if (!moved) {
            caller.set_wake_status(static_cast<std::uint32_t>(moved.error()));
            return fail(moved.error());
        }
        name_in(*caller.buffer, *moved);
    }
    copy_payload(replier, replier.frame->words.data(), info, caller);
    return {};
}

void deliver_signal(Thread& receiver, std::uint64_t bits, std::uint64_t key) {
    auto& frame = *receiver.frame;
    frame.words[0] = bits;
    frame.handle() = 0;
    frame.info() = 0;
    frame.badge() = 0;
    frame.key() = key | static_cast<std::uint64_t>(abi::DeliveryKind::signal) << kind_shift;
}

}  // namespace astrata::kernel
