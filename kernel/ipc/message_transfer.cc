#include "kernel/ipc/message_transfer.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

namespace {

constexpr unsigned kind_shift = 56;

// Moves the first `count` handles of one buffer into the other process, or none of them.
Result<> move_handles(Thread& from, Thread& to, std::size_t count) {
    auto& source = from.process().handles();
    auto& target = to.process().handles();
    auto const given = std::span(from.buffer->handles).first(count);
    for (auto const handle : given) {
        if (!has(TRY(source.find(handle)).rights, abi::Rights::transfer))
            return fail(Error::access_denied);
    }
    for (std::size_t i = 0; i < count; ++i) {
        auto moved = source.move(given[i], target);
        if (!moved) {
            // The slots they came from are free again, so that the way back has room.
            for (std::size_t back = 0; back < i; ++back) {
                if (auto returned = target.move(to.buffer->handles[back], source); returned)
                    from.buffer->handles[back] = *returned;
            }
            return fail(moved.error());
        }
        to.buffer->handles[i] = *moved;
    }
    return {};
}

void copy_payload(Thread const& from, std::uint64_t const* words, abi::MessageInfo info, Thread& to) {
    if (info.is_in_registers())
        __builtin_memcpy_inline(to.frame->words.data(), words, sizeof(to.frame->words));
    else
        std::memcpy(to.buffer->data.data(), from.buffer->data.data(), info.bytes());
    to.frame->rsi = info.raw;
}

}  // namespace

Result<> deliver_call(Thread& sender, Thread& receiver, std::uint64_t key) {
    auto const& message = sender.outgoing;
    auto& table = receiver.process().handles();
    auto const reply = TRY(table.insert_reply(Ref<Reply>::share(sender.reply()), sender.call_number));
    if (auto const count = message.info.handles(); count != 0) {
        if (auto moved = move_handles(sender, receiver, count); !moved) {
            (void)table.take_reply(reply);
            return moved;
        }
    }
    copy_payload(sender, message.words, message.info, receiver);
    receiver.buffer->sender_silo = sender.process().silo().id();
    receiver.buffer->sender_process = sender.process().id();
    auto& frame = *receiver.frame;
    frame.rdi = reply;
    frame.rdx = message.badge;
    frame.rbp = key | static_cast<std::uint64_t>(message.kind) << kind_shift;
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
        if (auto moved = move_handles(replier, caller, count); !moved) {
            caller.set_wake_status(static_cast<std::uint32_t>(moved.error()));
            return moved;
        }
    }
    copy_payload(replier, replier.frame->words.data(), info, caller);
    return {};
}

void deliver_signal(Thread& receiver, std::uint64_t bits, std::uint64_t key) {
    auto& frame = *receiver.frame;
    frame.words[0] = bits;
    frame.rdi = 0;
    frame.rsi = 0;
    frame.rdx = 0;
    frame.rbp = key | static_cast<std::uint64_t>(abi::DeliveryKind::signal) << kind_shift;
}

}  // namespace astrata::kernel
