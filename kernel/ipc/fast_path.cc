#include "kernel/ipc/fast_path.h"

#include <algorithm>
#include <cstring>

#include "arch/direct_switch.h"
#include "arch/smp.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/reply.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

namespace {

// Longer messages, and those with handles, take the long way.
constexpr std::uint32_t payload_limit = 512;

/// A lock that is held if nobody else did.
template <typename Lock>
class TryLock {
public:
    explicit TryLock(Lock* lock) NO_THREAD_SAFETY_ANALYSIS : lock_(lock),
                                                             is_held_(lock != nullptr && lock->try_lock_only()) {}
    ~TryLock() NO_THREAD_SAFETY_ANALYSIS {
        if (is_held_)
            lock_->unlock_only();
    }
    TryLock(TryLock const&) = delete;
    TryLock& operator=(TryLock const&) = delete;
    explicit operator bool() const { return is_held_; }

private:
    Lock* lock_;
    bool is_held_;
};

// The message's words stay in their registers; only what does not fit there is copied.
[[gnu::always_inline]] inline void copy_beyond_registers(Thread const& from, Thread& to, std::uint32_t bytes) {
    if (bytes <= abi::message_register_bytes)
        return;
    auto const* source = from.buffer->data.data();
    auto* target = to.buffer->data.data();
#pragma clang unsafe_buffer_usage begin  // `bytes` is at most payload_limit, a multiple of the word size and less than
                                         // a buffer
    for (std::uint32_t offset = 0; offset < bytes; offset += sizeof(std::uint64_t))
        __builtin_memcpy_inline(target + offset, source + offset, sizeof(std::uint64_t));
#pragma clang unsafe_buffer_usage end
}

}  // namespace

// The analysis is off throughout: every lock is only tried, and what is tried in vain ends the attempt before anything
// was changed. Interrupts are off from the system-call instruction to the return to user mode.
class FastPath {
public:
    [[gnu::always_inline]] static std::atomic<bool>* call(abi::Handle handle, std::uint64_t info,
                                                          std::uint64_t deadline) NO_THREAD_SAFETY_ANALYSIS {
        auto& cpu = arch::this_cpu();
        auto& self = *cpu.current;
        // The low half of the info is payload bytes, handles and reserved bits.
        auto const bytes = static_cast<std::uint32_t>(info);
        if (bytes > payload_limit || deadline != never.value || cpu.needs_reschedule != 0 ||
            !arch::can_switch_directly())
            return nullptr;
        auto& own_table = self.process().handles();
        TryLock const own_lock(&own_table.lock_);  // keeps the endpoint alive
        if (!own_lock)
            return nullptr;
        auto const* entry = own_table.entry_locked(handle);
        if (entry == nullptr || entry->object->kind() != abi::ObjectKind::endpoint ||
            !has(entry->rights(), abi::Rights::send))
            return nullptr;
        auto& endpoint = static_cast<Endpoint&>(*entry->object);
        TryLock const endpoint_lock(&endpoint.lock_);
        if (!endpoint_lock || endpoint.is_closed_)
            return nullptr;
        auto* const bound = endpoint.entry_;
        auto* const set_mutex = bound != nullptr ? &bound->set.lock_ : nullptr;
        TryLock const set_lock(set_mutex);
        if (bound != nullptr && !set_lock)
            return nullptr;
        auto& receivers = bound != nullptr ? bound->set.waiters_ : endpoint.receivers_;
        auto* const receiver = receivers.first_;
        if (receiver == nullptr || !may_resume(cpu, *receiver, ParkedIn::receive))
            return nullptr;
        auto& table = receiver->process().handles();
        TryLock const table_lock(&table == &own_table ? nullptr : &table.lock_);
        auto* const reply = table.first_free_;
        if ((&table != &own_table && !table_lock) || reply == nullptr || table.is_closed_ ||
            !receiver->try_wake(wake_normal))
            return nullptr;

        remove_first(receivers, *receiver);
        insert_reply(table, *reply, self);
        auto& frame = *receiver->frame;
        frame.rdi = HandleTable::value_of(*reply);
        frame.rdx = entry->badge;
        frame.rbp = bound != nullptr ? bound->key : 0;  // DeliveryKind::message is 0
        receiver->buffer->sender_silo = self.process().silo().id();
        receiver->buffer->sender_process = self.process().id();
        copy_beyond_registers(self, *receiver, bytes);
        arch::count_event<offsetof(arch::PerCpu, ipc_calls)>();
        receiver->resting_priority = std::max(receiver->base_priority, self.effective_priority);
        return park_and_switch(cpu, self, ParkedIn::call, *receiver);
    }

    [[gnu::always_inline]] static std::atomic<bool>* reply_and_wait(abi::Handle reply_handle, std::uint64_t info,
                                                                    std::uint64_t deadline,
                                                                    abi::Handle source) NO_THREAD_SAFETY_ANALYSIS {
        auto& cpu = arch::this_cpu();
        auto& self = *cpu.current;
        auto const bytes = static_cast<std::uint32_t>(info);
        if (bytes > payload_limit || deadline != never.value || cpu.needs_reschedule != 0 ||
            !arch::can_switch_directly())
            return nullptr;
        auto& table = self.process().handles();
        TryLock const table_lock(&table.lock_);
        if (!table_lock)
            return nullptr;
        auto* const reply_entry = table.entry_locked(reply_handle);
        auto const* const source_entry = table.entry_locked(source);
        if (reply_entry == nullptr || reply_entry->object->kind() != abi::ObjectKind::reply ||
            source_entry == nullptr || source_entry->object != self.receive_source.get() ||
            !has(source_entry->rights(), abi::Rights::receive))
            return nullptr;
        // The thread that is answered cannot end while its reply object is locked and names it.
        auto& reply = static_cast<Reply&>(*reply_entry->object);
        TryLock const reply_lock(&reply.lock_);
        if (!reply_lock)
            return nullptr;
        auto* const caller = reply.caller_;
        if (caller == nullptr || caller->call_number != reply_entry->badge || !may_resume(cpu, *caller, ParkedIn::call))
            return nullptr;
        // Nothing must be there to receive.
        bool const is_set = self.receive_source->kind() == abi::ObjectKind::wait_set;
        auto* const set = is_set ? static_cast<WaitSet*>(self.receive_source.get()) : nullptr;
        auto* const endpoint = is_set ? nullptr : static_cast<Endpoint*>(self.receive_source.get());
        TryLock const set_lock(is_set ? &set->lock_ : nullptr);
        TryLock const endpoint_lock(is_set ? nullptr : &endpoint->lock_);
        if (is_set ? !set_lock || !set->ready_.is_empty() : !endpoint_lock || !endpoint->callers_.is_empty())
            return nullptr;
        if (!caller->try_wake(wake_normal))
            return nullptr;

        remove_reply(table, *reply_entry);
        append(is_set ? set->waiters_ : endpoint->receivers_, self);
        copy_beyond_registers(self, *caller, bytes);
        self.resting_priority = self.base_priority;
        return park_and_switch(cpu, self, ParkedIn::receive, *caller);
    }

    [[gnu::cold, gnu::noinline, clang::preserve_most]] static void interrupt_self(Thread& self) {
        self.interrupt_wait();
        // What that has made ready must not wait for the next tick.
        arch::interrupt_cpu(arch::cpu_index());
    }

private:
    [[gnu::always_inline]] static bool may_resume(arch::PerCpu const& cpu, Thread const& thread, ParkedIn state) {
        return !thread.is_on_cpu.load(std::memory_order_acquire) && thread.parked_in == state &&
               ((thread.affinity.load(std::memory_order_relaxed) >> cpu.index) & 1) != 0;
    }
    [[gnu::always_inline]] static void remove_first(WaitQueue& queue, Thread& first) {
        queue.first_ = first.wait_next_;
        (first.wait_next_ != nullptr ? first.wait_next_->wait_previous_ : queue.last_) = nullptr;
        first.wait_queue_ = nullptr;
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
        // Not the last one: the thread that is answered has its own.
        entry.object->drop_reference_not_last();
        table.free_locked(entry);
    }
    // Returns the flag that the entry code clears once it has left this thread's stack.
    [[gnu::always_inline]] static std::atomic<bool>* park_and_switch(arch::PerCpu& cpu, Thread& self, ParkedIn state,
                                                                     Thread& next) {
        next.parked_in = ParkedIn::nothing;
        next.wait_state_.store(Thread::WaitState::running, std::memory_order_relaxed);
        next.effective_priority = next.resting_priority;
        self.has_delivery = false;
        self.parked_in = state;
        self.wait_state_.exchange(Thread::WaitState::waiting, std::memory_order_seq_cst);
        arch::switch_directly(cpu, self, next);
        // A kick or kill that came before the wait was announced found nothing to interrupt.
        if (self.pending_.load(std::memory_order_seq_cst) != 0) [[unlikely]]
            interrupt_self(self);
        return &self.is_on_cpu;
    }
};

}  // namespace astrata::kernel

// Called by the entry code with the message's words in registers that must not change. Null: nothing was done.
extern "C" [[clang::preserve_most]] std::atomic<bool>* fast_call(astrata::abi::Handle endpoint, std::uint64_t info,
                                                                 std::uint64_t deadline) {
    return astrata::kernel::FastPath::call(endpoint, info, deadline);
}
extern "C" [[clang::preserve_most]] std::atomic<bool>* fast_reply_and_wait(astrata::abi::Handle reply,
                                                                           std::uint64_t info, std::uint64_t deadline,
                                                                           astrata::abi::Handle source) {
    return astrata::kernel::FastPath::reply_and_wait(reply, info, deadline, source);
}
