// Threads: a kernel stack, the machine's registers, a place in the scheduler, and the state of the one call or wait
// that the thread can be in.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "abi/message.h"
#include "abi/types.h"
#include "arch/cpu.h"
#include "arch/thread_state.h"
#include "arch/trap_frame.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/ipc/reply.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/user_page.h"
#include "kernel/object/object.h"
#include "kernel/sched/priority.h"
#include "kernel/sched/wait.h"
#include "kernel/sched/wait_state.h"
#include "kernel/time/timer_queue.h"
#include "lib/base/intrusive_list.h"

namespace astrata::kernel {

class AddressSpace;
class MemoryObject;
class Process;

/// What a thread does next when it comes back from waiting.
inline constexpr std::uint32_t wake_normal = 0;
/// The waker could not finish its part; the sleeper starts over.
inline constexpr std::uint32_t wake_retry = ~std::uint32_t{0};

/// What ends a wait besides what is waited for and the deadline.
enum class EndsWait : std::uint8_t { kick_or_kill, kill, nothing };

/// A message on its way: where its words lie, and what the kernel knows about the sender.
struct OutgoingMessage {
    abi::MessageInfo info;
    std::uint64_t* words = nullptr;  // eight, in the sender's trap frame or request_words
    std::uint64_t badge = 0;
    abi::DeliveryKind kind = abi::DeliveryKind::message;
};

class Thread final : public KernelObject {
public:
    static constexpr std::size_t name_capacity = 32;
    static constexpr std::uint8_t not_queued = 0xff;

    /// A user thread of `process`, not yet started; its message buffer is mapped into the process's home space.
    /// errors    no_memory, no_resources, bad_state (process has ended)
    static Result<Ref<Thread>> create(Process& process, std::string_view name);
    /// A thread of the kernel itself.
    static Result<Ref<Thread>> create_kernel(Account& account, std::string_view name, void (*function)(void*),
                                             void* argument);
    explicit Thread(Ref<Account> account, RefOrNull<Process> process, std::string_view name, mem::KernelStack stack,
                    Ref<Reply> reply);
    ~Thread() override;

    /// errors    bad_state (already started)
    Result<> start(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0, std::uint64_t argument1,
                   RefOrNull<AddressSpace> space);

    [[nodiscard]] std::string_view name() const;
    /// Of user threads only.
    [[nodiscard]] Process& process() const { return *process_; }
    /// The address space that native code runs in; null for code in the kernel's half, which runs in any.
    [[nodiscard]] AddressSpace* native_space() const { return native_space_; }
    /// Null: none. Of the calling thread, or one that was not started; the former space is the caller's to drop.
    [[nodiscard]] RefOrNull<AddressSpace> set_guest_space(RefOrNull<AddressSpace> space);
    [[nodiscard]] bool is_user() const { return static_cast<bool>(process_); }

    // ---- Waiting. Only the thread itself calls prepare_to_wait, cancel_wait and block.

    /// Announces a wait. Preemption stays off until block or cancel_wait, so that a thread which is still running is
    /// never in a run queue for two reasons.
    void prepare_to_wait(EndsWait ending = EndsWait::kick_or_kill) {
        arch::disable_preemption();
        using Phase = WaitState::Phase;
        wait_state_.announce(ending == EndsWait::kick_or_kill ? Phase::waiting
                             : ending == EndsWait::kill       ? Phase::waiting_through_kicks
                                                              : Phase::waiting_firmly,
                             call_number);
    }
    /// For the winner of try_wake, before it makes the thread ready: another status than announced.
    void set_wake_status(std::uint32_t status) { wake_status_ = status; }
    /// Nothing to wait for after all. Sleeps through a wake-up that somebody has won meanwhile.
    void cancel_wait();
    /// Ends the wait in its favour if it is the first to try; the winner then makes the thread ready.
    [[nodiscard]] bool try_wake(std::uint32_t status) { return note_winner(wait_state_.try_wake(), status); }
    /// The same, if it waits for the answer to its call of this number.
    [[nodiscard]] bool try_answer(std::uint64_t number, std::uint32_t status) {
        return note_winner(wait_state_.try_answer(number), status);
    }
    [[nodiscard]] bool is_waiting() const { return wait_state_.is_waiting(); }
    /// The call is over without an answer: nobody can answer it any more, whatever the thread waits for next.
    void give_up_call() { ++call_number; }
    /// Sleeps until somebody won try_wake; returns the status (0, an Error, or wake_retry). A pending kick or kill ends
    /// it with interrupted, `deadline` with timed_out.
    std::uint32_t block(MonotonicNs deadline);
    /// The same, but the CPU goes straight to `next`, which the caller has woken.
    std::uint32_t block_and_switch_to(Thread& next, MonotonicNs deadline);
    /// Sleeps until there is a permit, and takes it.
    /// errors    timed_out, would_block (deadline 0), interrupted
    [[nodiscard]] Result<> wait_for_permit(MonotonicNs deadline);
    /// From any thread: the wait for a permit ends, or the next one does at once.
    void permit();
    /// Sleeps without a deadline in a message call whose results are in `frame`. Whoever brings them may resume the
    /// thread straight in user mode, and then this never returns: no caller up the stack may have anything left to do
    /// but what a slow return does. Returns, interrupts on, the status of a wake-up by anybody else.
    std::uint32_t park(ParkedIn call, Thread* next);
    /// What a parked thread does first when it was woken in the ordinary way, on its stack again with interrupts off.
    std::uint32_t unpark();

    // ---- Kicks and kills, from any thread.

    void kick();
    /// Ends the present or next run of foreign code, and no wait.
    void kick_program();
    void kill();
    /// A thread that was never started ends with its last handle: nobody can start it any more.
    void handles_gone() override;
    [[nodiscard]] bool is_kick_pending() const {
        return (pending_.load(std::memory_order_relaxed) & (pending_kick | pending_program_kick)) != 0;
    }
    [[nodiscard]] bool is_kill_pending() const {
        return (pending_.load(std::memory_order_relaxed) & pending_kill) != 0;
    }
    [[nodiscard]] bool has_pending() const { return pending_.load(std::memory_order_relaxed) != 0; }
    /// Zero while nothing is pending; for the entry code.
    [[nodiscard]] std::atomic<std::uint32_t> const& pending_word() const { return pending_; }
    /// By what ends a run of foreign code: kicks of both kinds.
    void take_kick() { pending_.fetch_and(~(pending_kick | pending_program_kick), std::memory_order_relaxed); }

    /// True once, if the thread was never started: it never will be, and somebody else must take it out of its process.
    [[nodiscard]] bool claim_unstarted() { return !is_started_.exchange(true, std::memory_order_acq_rel); }
    /// Ends the calling thread: it must be current, in kernel mode, holding no locks or references.
    [[noreturn]] void end();

    // ---- Scheduling state, kept by the scheduler.

    ListLink<Thread> run_link;
    ListLink<Thread> process_link;
    ListLink<Thread> all_link;
    std::atomic<bool> is_on_cpu = false;  // its kernel stack is in use: another CPU must wait before it resumes it
    std::atomic<std::uint32_t> cpu = 0;   // where it runs or ran last
    std::atomic<std::uint64_t> affinity = ~std::uint64_t{0};
    std::uint8_t base_priority = priority::standard;
    std::uint8_t resting_priority = priority::standard;    // base, or what those who wait for this thread have lent it
    std::uint8_t effective_priority = priority::standard;  // resting, less what it has sunk
    std::uint8_t queued_level = not_queued;                // while ready; under the lock of that CPU's queue
    std::atomic<std::uint32_t> queued_on = 0;              // whose queue it is or was in
    std::uint64_t ready_since = 0;
    bool is_fifo = false;  // in the real time band: runs until it waits, however long its equals are ready
    bool is_idle = false;
    bool has_ended = false;
    std::uint64_t switched_in_ticks = 0;
    std::atomic<std::uint64_t> run_ticks = 0;
    std::atomic<std::uint64_t> switches = 0;
    /// `run_ticks` and, if it runs, the time since it was switched to, which nobody counts before it stops. Any thread
    /// may ask; of one that is just being left on another CPU that time may be missing.
    [[nodiscard]] std::uint64_t used_ticks();
    // Since the CPU and the silo were told last; only the thread itself and the switch away from it touch them.
    std::uint32_t uncounted_system_calls = 0;
    std::uint32_t uncounted_page_faults = 0;

    arch::ThreadState arch;

    // ---- IPC state of the call that the thread is in.

    OutgoingMessage outgoing;                      // valid while queued on an endpoint or awaiting a reply
    std::array<std::uint64_t, 8> request_words{};  // outgoing.words of messages that the kernel itself makes
    std::uint64_t call_number = 0;
    arch::TrapFrame* frame = nullptr;  // of the thread's system calls: where results go
    struct {
        std::uint64_t silo = 0, process = 0;  // ids that receivers of the thread's messages are told
    } sender;
    std::atomic<std::uint64_t>* silo_run_ticks = nullptr;  // of the silo of a user thread
    RefOrNull<KernelObject> receive_source;  // what the thread waits on, or waited on last, without a deadline
    bool has_delivery = false;               // a message or signal was put into `frame` while the thread waited
    MemoryObject* paged_object = nullptr;    // whose pages the thread waits for, in a page request
    abi::MessageBuffer* buffer = nullptr;    // through the direct map
    RefOrNull<KernelObject> buffer_object;
    VirtAddr buffer_address;  // in the home space
    [[nodiscard]] Reply& reply() const { return *reply_; }

    /// Stored in the process's memory when the thread has left its stack there; nowhere at address 0.
    struct {
        VirtAddr address;
        std::uint32_t value = 0;
    } farewell;

    // ---- Guest space of the personality's threads.

    RefOrNull<AddressSpace> guest_space;
    arch::RestrictedState* restricted_state = nullptr;  // through the direct map
    mem::PinnedPage restricted_page;

private:
    template <Processors processors>
    friend class FastPath;
    friend class WaitQueue;
    static constexpr std::uint32_t pending_kick = 1;
    static constexpr std::uint32_t pending_kill = 2;
    static constexpr std::uint32_t pending_program_kick = 4;
    static constexpr std::uint32_t pending_interruption = pending_kick | pending_kill;  // what ends a wait

    static void timeout_expired(TimerNode& timer);
    [[noreturn]] void finish();
    void arm_timeout(MonotonicNs deadline);
    std::uint32_t finish_wait();
    void interrupt_wait();
    bool try_interrupt();
    bool is_interrupted_already();
    bool note_winner(bool has_won, std::uint32_t status) {
        if (has_won)
            wake_status_ = status;
        return has_won;
    }

    RefOrNull<Process> process_;
    AddressSpace* native_space_ = nullptr;  // guest_space or the process's home space
    std::array<char, name_capacity> name_{};
    mem::KernelStack stack_;
    Ref<Reply> reply_;
    WaitState wait_state_;
    std::uint32_t wake_status_ = 0;
    bool has_armed_timeout_ = false;
    std::atomic<std::uint32_t> pending_ = 0;
    std::atomic<bool> has_permit_ = false;
    std::atomic<bool> is_started_ = false;

    WaitQueue* wait_queue_ = nullptr;  // guarded by that queue's lock
    Thread* wait_next_ = nullptr;
    Thread* wait_previous_ = nullptr;

    struct Timeout : TimerNode {
        Timeout(Expired on_expiry, Thread& of) : TimerNode(on_expiry), thread(of) {}
        Thread& thread;
    };
    Timeout timeout_;
};

}  // namespace astrata::kernel
