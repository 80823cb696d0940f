#include "kernel/ipc/fast_path.h"

#include <algorithm>
#include <atomic>

#include "arch/direct_switch.h"
#include "arch/smp.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/processors.h"
#include "kernel/ipc/reply.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

namespace {

// Longer messages, and those with handles, take the long way.
constexpr std::uint32_t payload_limit = 512;

/// A lock that is held if nobody else did; with one processor there is nothing to do. Null: no lock is needed.
template <Processors processors, typename Lock>
class TryLock {
public:
    [[gnu::always_inline]] explicit TryLock(Lock* lock) NO_THREAD_SAFETY_ANALYSIS : lock_(lock) {
        if constexpr (processors == Processors::several)
            is_held_ = lock_ != nullptr && lock_->try_lock_only();
    }
    [[gnu::always_inline]] ~TryLock() NO_THREAD_SAFETY_ANALYSIS {
        if constexpr (processors == Processors::several) {
            if (is_held_)
                lock_->unlock_only();
        }
    }
    TryLock(TryLock const&) = delete;
    TryLock& operator=(TryLock const&) = delete;
    [[nodiscard]] bool has_failed() const { return processors == Processors::several && !is_held_ && lock_ != nullptr; }

private:
    Lock* lock_;
    bool is_held_ = false;
};

// What does not fit into registers; the entry code carries those over.
[[gnu::always_inline]] inline void copy_payload(Thread const& from, Thread& to, std::uint32_t bytes) {
    if (bytes <= abi::message_register_bytes) [[likely]]
        return;
    auto const* source = from.buffer->data.data();
    auto* target = to.buffer->data.data();
#pragma clang unsafe_buffer_usage begin  // `bytes` is at most payload_limit, which is less than a buffer
    for (std::uint32_t offset = 0; offset < bytes; offset += sizeof(std::uint64_t))
        __builtin_memcpy_inline(target + offset, source + offset, sizeof(std::uint64_t));
#pragma clang unsafe_buffer_usage end
}

}  // namespace

// The analysis is off throughout: every lock is only tried, and what is tried in vain ends the attempt before anything
// was changed. Interrupts are off from the system-call instruction to the return to user mode.
template <Processors processors>
class FastPath {
public:
    // The flag that the entry code clears once it has left the caller's stack; null: nothing was done.
    using Left = std::atomic<bool>*;
    // Or the thread that goes on on its kernel stack, once all locks are free.
    struct Outcome {
        Left left = nullptr;
        Thread* on_stack = nullptr;
    };
    template <typename Lock>
    using Try = TryLock<processors, Lock>;

    [[gnu::always_inline]] static Left call(arch::TrapFrame& frame) NO_THREAD_SAFETY_ANALYSIS {
        auto& cpu = arch::this_cpu();
        auto& self = *cpu.current;
        // The low half of the info is payload bytes, handles and reserved bits.
        auto const bytes = static_cast<std::uint32_t>(frame.info());
        if (bytes > payload_limit || frame.deadline() != never.value || cpu.needs_reschedule != 0)
            return nullptr;
        auto& own_table = self.process().handles();
        Try const own_lock(&own_table.lock_);  // keeps the endpoint alive
        if (own_lock.has_failed())
            return nullptr;
        auto const* entry = own_table.entry_locked(frame.handle());
        if (entry == nullptr || entry->object->kind() != abi::ObjectKind::endpoint ||
            !has(entry->rights(), abi::Rights::send))
            return nullptr;
        auto& endpoint = static_cast<Endpoint&>(*entry->object);
        Try const endpoint_lock(&endpoint.lock_);
        if (endpoint_lock.has_failed() || endpoint.is_closed_)
            return nullptr;
        auto* const bound = endpoint.entry_;
        if (bound == nullptr)
            return deliver(cpu, self, frame, *entry, endpoint.receivers_, 0);
        Try const set_lock(&bound->set.lock_);
        return set_lock.has_failed() ? nullptr : deliver(cpu, self, frame, *entry, bound->set.waiters_, bound->key);
    }

    [[gnu::always_inline]] static Left reply_and_wait(arch::TrapFrame& frame) {
        auto const outcome = try_reply_and_wait(frame);
        if (outcome.on_stack != nullptr)
            go_on_on_stack(*outcome.on_stack);
        return outcome.left;
    }

private:
    [[gnu::always_inline]] static Outcome try_reply_and_wait(arch::TrapFrame& frame) NO_THREAD_SAFETY_ANALYSIS {
        auto& cpu = arch::this_cpu();
        auto& self = *cpu.current;
        auto const bytes = static_cast<std::uint32_t>(frame.info());
        if (bytes > payload_limit || frame.deadline() != never.value || cpu.needs_reschedule != 0)
            return {};
        auto& table = self.process().handles();
        Try const table_lock(&table.lock_);
        if (table_lock.has_failed())
            return {};
        auto* const reply_entry = table.entry_locked(frame.handle());
        auto const* const source_entry = table.entry_locked(frame.source());
        if (reply_entry == nullptr || reply_entry->object->kind() != abi::ObjectKind::reply ||
            source_entry == nullptr || source_entry->object != self.receive_source.get() ||
            !has(source_entry->rights(), abi::Rights::receive))
            return {};
        // The thread that is answered cannot end while its reply object is locked and names it.
        auto& reply = static_cast<Reply&>(*reply_entry->object);
        Try const reply_lock(&reply.lock_);
        if (reply_lock.has_failed())
            return {};
        auto* const caller = reply.caller_;
        if (caller == nullptr)
            return {};
        // Nothing must be there to receive.
        if (source_entry->object->kind() == abi::ObjectKind::wait_set) {
            auto& set = static_cast<WaitSet&>(*source_entry->object);
            Try const set_lock(&set.lock_);
            return set_lock.has_failed() || !set.ready_.is_empty()
                       ? Outcome{}
                       : answer(cpu, self, frame, table, *reply_entry, *caller, set.waiters_);
        }
        auto& endpoint = static_cast<Endpoint&>(*source_entry->object);
        Try const endpoint_lock(&endpoint.lock_);
        return endpoint_lock.has_failed() || !endpoint.callers_.is_empty()
                   ? Outcome{}
                   : answer(cpu, self, frame, table, *reply_entry, *caller, endpoint.receivers_);
    }

    [[gnu::cold, gnu::noinline]] static void interrupt_self(Thread& self) {
        self.interrupt_wait();
        // What that has made ready must not wait for the next tick.
        arch::interrupt_cpu(arch::cpu_index());
    }

    [[gnu::always_inline]] static Left deliver(arch::PerCpu& cpu, Thread& self, arch::TrapFrame& frame,
                                               HandleEntry const& used, WaitQueue& receivers,
                                               std::uint64_t key) NO_THREAD_SAFETY_ANALYSIS {
        auto* const receiver = receivers.first_;
        if (receiver == nullptr)
            return nullptr;
        auto& table = receiver->process().handles();
        Try const table_lock(&table == used.table ? nullptr : &table.lock_);
        auto* const reply = table.first_free_;
        if (table_lock.has_failed() || reply == nullptr || table.is_closed_ ||
            !claim(cpu, *receiver, WaitState::Phase::parked_in_receive, receiver->call_number))
            return nullptr;
        remove_first(receivers, *receiver);
        insert_reply(table, *reply, self);
        auto& target = *receiver->frame;
        target.handle() = HandleTable::value_of(*reply);
        target.badge() = used.badge;
        target.key() = key;  // DeliveryKind::message is 0
        receiver->buffer->sender_silo = self.sender.silo;
        receiver->buffer->sender_process = self.sender.process;
        copy_payload(self, *receiver, static_cast<std::uint32_t>(frame.info()));
        arch::count_event<offsetof(arch::PerCpu, ipc_calls)>();
        receiver->resting_priority = std::max(receiver->base_priority, self.effective_priority);
        return park_and_switch(cpu, self, WaitState::Phase::parked_in_call, *receiver);
    }

    [[gnu::always_inline]] static Outcome answer(arch::PerCpu& cpu, Thread& self, arch::TrapFrame& frame,
                                                 HandleTable& table, HandleEntry& reply, Thread& caller,
                                                 WaitQueue& receivers) NO_THREAD_SAFETY_ANALYSIS {
        if (!claim(cpu, caller, WaitState::Phase::parked_in_call, reply.badge)) [[unlikely]]
            return {.on_stack = answer_on_stack(cpu, self, frame, table, reply, caller, receivers)};
        finish_answer(self, frame, table, reply, caller, receivers);
        return {.left = park_and_switch(cpu, self, WaitState::Phase::parked_in_receive, caller)};
    }
    [[gnu::always_inline]] static void finish_answer(Thread& self, arch::TrapFrame& frame, HandleTable& table,
                                                     HandleEntry& reply, Thread& caller,
                                                     WaitQueue& receivers) NO_THREAD_SAFETY_ANALYSIS {
        remove_reply(table, reply);
        append(receivers, self);
        copy_payload(self, caller, static_cast<std::uint32_t>(frame.info()));
        self.resting_priority = self.base_priority;
    }

    // A caller that has something to come back to: it waits for a page, or its code is hosted in the kernel. Null: it
    // waits no more, or not for this, or may not run here.
    [[gnu::noinline]] static Thread* answer_on_stack(arch::PerCpu const& cpu, Thread& self, arch::TrapFrame& frame,
                                                     HandleTable& table, HandleEntry& reply, Thread& caller,
                                                     WaitQueue& receivers) NO_THREAD_SAFETY_ANALYSIS {
        if (!may_be_resumed(cpu, caller) || !caller.try_answer(reply.badge, wake_normal))
            return nullptr;
        if (caller.outgoing.kind != abi::DeliveryKind::page_request) {
            caller.frame->words = frame.words;
            caller.frame->info() = frame.info();
        } else if (abi::MessageInfo{frame.info()}.label() != 0) {
            // An ordinary reply to a page request says only whether to try again.
            caller.set_wake_status(static_cast<std::uint32_t>(Error::io));
        }
        finish_answer(self, frame, table, reply, caller, receivers);
        announce_parked(self, WaitState::Phase::parked_in_receive);
        return &caller;
    }
    [[gnu::noinline]] static void go_on_on_stack(Thread& next) {
        auto& cpu = arch::this_cpu();
        auto& self = *cpu.current;
        next.effective_priority = next.resting_priority;
        if (is_interrupted(self)) [[unlikely]]
            interrupt_self(self);
        arch::switch_to_stack<processors>(cpu, self, next);
    }

    // Wins the wake-up of a thread that is parked with this call number and may be resumed here.
    [[gnu::always_inline]] static bool claim(arch::PerCpu const& cpu, Thread& thread, WaitState::Phase parked,
                                             std::uint64_t number) {
        if constexpr (processors == Processors::one)
            return thread.wait_state_.try_resume_alone(parked, number);
        return may_be_resumed(cpu, thread) && thread.wait_state_.try_resume(parked, number);
    }
    // Its stack is free once it has left its CPU; it cannot come back to one without ending its wait.
    [[gnu::always_inline]] static bool may_be_resumed(arch::PerCpu const& cpu, Thread const& thread) {
        return processors == Processors::one ||
               (!thread.is_on_cpu.load(std::memory_order_acquire) &&
                ((thread.affinity.load(std::memory_order_relaxed) >> cpu.index) & 1) != 0);
    }
    [[gnu::always_inline]] static void remove_first(WaitQueue& queue, Thread& first) {
        queue.first_ = first.wait_next_;
        first.wait_queue_ = nullptr;
        if (first.wait_next_ == nullptr) [[likely]] {
            queue.last_ = nullptr;
            return;
        }
        first.wait_next_->wait_previous_ = nullptr;
        first.wait_next_ = nullptr;
    }
    [[gnu::always_inline]] static void append(WaitQueue& queue, Thread& thread) {
        thread.wait_queue_ = &queue;
        thread.wait_previous_ = queue.last_;
        (queue.last_ != nullptr ? queue.last_->wait_next_ : queue.first_) = &thread;
        queue.last_ = &thread;
    }
    // What HandleTable::insert_reply and take_reply do.
    [[gnu::always_inline]] static void insert_reply(HandleTable& table, HandleEntry& entry,
                                                    Thread& caller) NO_THREAD_SAFETY_ANALYSIS {
        table.first_free_ = entry.next_sibling;
        ++table.used_;
        auto& reply = caller.reply();
        reply.add_reference();
        reply.handles_.fetch_add(1, std::memory_order_relaxed);
        entry.object = &reply;
        entry.right_bits = static_cast<std::uint16_t>(abi::Rights::transfer);
        entry.badge = ++caller.call_number;
        entry.next_sibling = nullptr;
    }
    [[gnu::always_inline]] static void remove_reply(HandleTable& table, HandleEntry& entry) NO_THREAD_SAFETY_ANALYSIS {
        entry.object->handles_.fetch_sub(1, std::memory_order_relaxed);
        // The thread that is answered has a reference of its own.
        entry.object->drop_reference_not_last();
        table.free_locked(entry);
    }
    [[gnu::always_inline]] static Left park_and_switch(arch::PerCpu& cpu, Thread& self, WaitState::Phase state,
                                                       Thread& next) {
        next.effective_priority = next.resting_priority;
        announce_parked(self, state);
        arch::switch_directly<processors>(cpu, self, next);
        if (is_interrupted(self)) [[unlikely]]
            interrupt_self(self);
        return &self.is_on_cpu;
    }
    [[gnu::always_inline]] static void announce_parked(Thread& self, WaitState::Phase state) {
        if constexpr (processors == Processors::one)
            self.wait_state_.announce_alone(state, self.call_number);
        else
            self.wait_state_.announce(state, self.call_number);
    }
    // By a kick or kill that came before the wait was announced, and found nothing to interrupt.
    [[gnu::always_inline]] static bool is_interrupted(Thread const& self) {
        return (self.pending_.load(std::memory_order_relaxed) & Thread::pending_interruption) != 0;
    }
};

}  // namespace astrata::kernel

// The entry code has stored the caller's registers in the frame, so these need to preserve none.
extern "C" {
ASTRATA_PRESERVES_NOTHING std::atomic<bool>* fast_call_alone(astrata::kernel::arch::TrapFrame& frame) {
    return astrata::kernel::FastPath<astrata::kernel::Processors::one>::call(frame);
}
ASTRATA_PRESERVES_NOTHING std::atomic<bool>* fast_reply_alone(astrata::kernel::arch::TrapFrame& frame) {
    return astrata::kernel::FastPath<astrata::kernel::Processors::one>::reply_and_wait(frame);
}
ASTRATA_PRESERVES_NOTHING std::atomic<bool>* fast_call(astrata::kernel::arch::TrapFrame& frame) {
    return astrata::kernel::FastPath<astrata::kernel::Processors::several>::call(frame);
}
ASTRATA_PRESERVES_NOTHING std::atomic<bool>* fast_reply(astrata::kernel::arch::TrapFrame& frame) {
    return astrata::kernel::FastPath<astrata::kernel::Processors::several>::reply_and_wait(frame);
}
ASTRATA_PRESERVES_NOTHING std::atomic<bool>* no_fast_path(astrata::kernel::arch::TrapFrame&) {
    return nullptr;
}

// What the entry code calls.
constinit decltype(&fast_call) fast_call_now = no_fast_path;
constinit decltype(&fast_call) fast_reply_now = no_fast_path;
}

namespace astrata::kernel {

namespace {

// Which form there is, and who keeps it closed.
constexpr std::uint32_t has_form = 1;
constexpr std::uint32_t is_for_several = 2;
constexpr std::uint32_t closed = 4;  // for FastPathCloser 0; the next bits for the next
constinit std::atomic<std::uint32_t> fast_path_state = 0;

// Interrupts and other CPUs may change the state meanwhile; whoever stores last has seen its last value.
void apply_state() {
    for (;;) {
        auto const state = fast_path_state.load();
        bool const is_open = (state & has_form) != 0 && state < closed;
        bool const has_several = (state & is_for_several) != 0;
        auto* const call = !is_open ? no_fast_path : has_several ? fast_call : fast_call_alone;
        auto* const reply = !is_open ? no_fast_path : has_several ? fast_reply : fast_reply_alone;
        __atomic_store_n(&fast_call_now, call, __ATOMIC_SEQ_CST);
        __atomic_store_n(&fast_reply_now, reply, __ATOMIC_SEQ_CST);
        if (fast_path_state.load() == state)
            return;
    }
}

}  // namespace

void choose_fast_path(bool has_several_processors) {
    if (!arch::can_switch_directly())
        return;
    fast_path_state.fetch_or(has_several_processors ? has_form | is_for_several : has_form);
    apply_state();
}

void close_fast_path(FastPathCloser who, bool is_closed) {
    auto const bit = closed << static_cast<unsigned>(who);
    if (is_closed)
        fast_path_state.fetch_or(bit);
    else
        fast_path_state.fetch_and(~bit);
    apply_state();
}

}  // namespace astrata::kernel
