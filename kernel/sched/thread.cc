#include "kernel/sched/thread.h"

#include <algorithm>
#include <utility>

#include "arch/cpu.h"
#include "arch/direct_map.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/memory_object.h"
#include "kernel/object/make_object.h"
#include "kernel/object/process.h"
#include "kernel/sched/cpu_limits.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread_registry.h"
#include "kernel/sched/timers.h"
#include "kernel/user_copy/user_span.h"

namespace astrata::kernel {

namespace {

// First code of a user thread, on its kernel stack. start() left the parameters in request_words.
void begin_user_thread(void* raw) {
    auto& thread = *static_cast<Thread*>(raw);
    auto const words = thread.request_words;
    auto const enter = thread.process().is_hosted() ? arch::begin_hosted : arch::enter_user;
    enter(words[0], words[1], words[2], words[3], thread.buffer_address.value);
}

}  // namespace

Thread::Thread(Ref<Account> account, RefOrNull<Process> process, std::string_view name, mem::KernelStack stack,
               Ref<Reply> reply)
    : KernelObject(abi::ObjectKind::thread, std::move(account)), process_(std::move(process)), stack_(std::move(stack)),
      reply_(std::move(reply)), timeout_(timeout_expired, *this) {
    std::ranges::copy(name.substr(0, name_capacity - 1), name_.begin());
    arch.stack_top = arch.trap_stack = stack_.top().value;
    arch.parked_stack_pointer = arch.stack_top - arch::parked_stack_bytes;
    frame = &arch::system_call_frame(arch);
    if (process_) {
        (void)set_guest_space(nullptr);
        silo_run_ticks = &process_->silo().run_ticks;
        sender = {.silo = process_->silo().id(), .process = process_->id()};
    }
    reply_->connect(*this);
}

Thread::~Thread() {
    arch::free_vector_area(*this);
}

RefOrNull<AddressSpace> Thread::set_guest_space(RefOrNull<AddressSpace> space) {
    native_space_ = space ? space.get() : process_->is_hosted() ? nullptr : &process_->home();
    std::swap(guest_space, space);
    return space;
}

std::string_view Thread::name() const {
    std::string_view const padded(name_.data(), name_.size());
    return padded.substr(0, padded.find('\0'));
}

Result<Ref<Thread>> Thread::create(Process& process, std::string_view name) {
    auto& account = process.silo().memory();
    auto stack = TRY(mem::KernelStack::create(account));
    auto reply = TRY(make_object<Reply>(account));
    auto thread = TRY(make_object<Thread>(account, RefOrNull<Process>(Ref<Process>::share(process)), name,
                                          std::move(stack), std::move(reply)));
    auto buffer = TRY(MemoryObject::create_contiguous(account, page_size));
    thread->buffer_address =
        TRY(process.home().map(buffer, 0, {}, page_size, abi::Access::read | abi::Access::write, {}));
    thread->buffer = reinterpret_cast<abi::MessageBuffer*>(arch::phys_to_virt(buffer->device_address()));
    thread->buffer_object = RefOrNull<KernelObject>(Ref<KernelObject>(std::move(buffer)));
    if (auto added = process.add_thread(*thread); !added) {
        (void)process.home().unmap(thread->buffer_address, page_size);
        return fail(added.error());
    }
    register_thread(*thread);
    return thread;
}

Result<Ref<Thread>> Thread::create_kernel(Account& account, std::string_view name, void (*function)(void*),
                                          void* argument) {
    auto stack = TRY(mem::KernelStack::create(account));
    auto reply = TRY(make_object<Reply>(account));
    auto thread = TRY(make_object<Thread>(account, RefOrNull<Process>(), name, std::move(stack), std::move(reply)));
    arch::prepare_stack(thread->arch, function, argument);
    register_thread(*thread);
    return thread;
}

Result<> Thread::start(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0, std::uint64_t argument1,
                       RefOrNull<AddressSpace> space) {
    if (is_started_.exchange(true, std::memory_order_acq_rel))
        return fail(Error::bad_state);
    (void)set_guest_space(std::move(space));
    request_words = {entry, stack, argument0, argument1};
    arch::prepare_stack(arch, begin_user_thread, this);
    // The scheduler's reference; the thread gives it up when it has ended.
    add_reference();
    sched::make_ready(*this);
    return {};
}

// Whoever wins a wake-up makes the thread ready exactly once, and exactly one switch away matches that; only a thread
// that won against itself, because a kick had come before the wait was announced, must not switch.
std::uint32_t Thread::block(MonotonicNs deadline) {
    arm_timeout(deadline);
    auto const state = arch::disable_interrupts();
    arch::release_preemption();
    if (!is_interrupted_already())
        sched::switch_away();
    arch::restore_interrupts(state);
    return finish_wait();
}

std::uint32_t Thread::block_and_switch_to(Thread& next, MonotonicNs deadline) {
    arm_timeout(deadline);
    auto const state = arch::disable_interrupts();
    arch::release_preemption();
    if (is_interrupted_already())
        sched::make_ready(next);
    else
        sched::switch_to(next);
    arch::restore_interrupts(state);
    return finish_wait();
}

// The wait is announced before the thread looks for a permit, and a permit is given before its giver looks for the
// wait: one of the two sees the other (permit_model.pml).
Result<> Thread::wait_for_permit(MonotonicNs deadline) {
    if (has_permit_.exchange(false, std::memory_order_acquire))
        return {};
    if (deadline.value == 0)
        return fail(Error::would_block);
    arch::disable_preemption();
    wait_state_.announce(WaitState::Phase::waiting_for_permit, call_number);
    auto status = wake_normal;
    if (has_permit_.load(std::memory_order_seq_cst)) [[unlikely]]
        cancel_wait();
    else
        status = block(deadline);
    if (has_permit_.exchange(false, std::memory_order_acquire) || status == wake_normal)
        return {};
    return fail(static_cast<Error>(status));
}

void Thread::permit() {
    (void)has_permit_.exchange(true, std::memory_order_seq_cst);
    if (note_winner(wait_state_.try_permit(), wake_normal))
        sched::make_ready(*this);
}

std::uint32_t Thread::park(ParkedIn call, Thread* next) {
    (void)arch::disable_interrupts();
    arch::release_preemption();
    if (!is_interrupted_already()) {
        // A hosted thread's stack holds more than the system call.
        if (!process_->is_hosted())
            wait_state_.park(call == ParkedIn::call ? WaitState::Phase::parked_in_call
                                                    : WaitState::Phase::parked_in_receive);
        if (next != nullptr)
            sched::switch_to(*next);
        else
            sched::switch_away();
    } else if (next != nullptr) {
        sched::make_ready(*next);
    }
    return unpark();
}

std::uint32_t Thread::unpark() {
    arch::enable_interrupts();
    return finish_wait();
}

bool Thread::is_interrupted_already() {
    return is_user() && (pending_.load(std::memory_order_seq_cst) & pending_interruption) != 0 && try_interrupt();
}

bool Thread::try_interrupt() {
    return note_winner(wait_state_.try_interrupt(is_kill_pending()), static_cast<std::uint32_t>(Error::interrupted));
}

void Thread::cancel_wait() {
    if (try_wake(wake_normal)) {
        wait_state_.end();
        arch::enable_preemption();
    } else {
        (void)block(never);
    }
}

void Thread::arm_timeout(MonotonicNs deadline) {
    has_armed_timeout_ = deadline != never;
    if (!has_armed_timeout_)
        return;
    // As much as Linux's standard timer slack; real time threads are not kept waiting.
    constexpr std::uint64_t slack_ns = 50'000;
    sched::arm_timer(timeout_, deadline, base_priority < priority::first_real_time ? slack_ns : 0);
}

std::uint32_t Thread::finish_wait() {
    // Even if it has gone off: its callback may be under way on another CPU, and would end the next wait.
    if (std::exchange(has_armed_timeout_, false))
        sched::cancel_timer(timeout_);
    wait_state_.end();
    if (wake_status_ == static_cast<std::uint32_t>(Error::interrupted))
        pending_.fetch_and(~pending_kick, std::memory_order_relaxed);
    return wake_status_;
}

void Thread::timeout_expired(TimerNode& timer) {
    auto& thread = static_cast<Timeout&>(timer).thread;
    if (thread.try_wake(static_cast<std::uint32_t>(Error::timed_out)))
        sched::make_ready(thread);
}

void Thread::kick() {
    pending_.fetch_or(pending_kick, std::memory_order_seq_cst);
    interrupt_wait();
}

void Thread::kick_program() {
    pending_.fetch_or(pending_program_kick, std::memory_order_seq_cst);
    sched::interrupt_if_running(*this);
}

void Thread::kill() {
    pending_.fetch_or(pending_kill, std::memory_order_seq_cst);
    interrupt_wait();
    cpu_limits::stop_waiting(*this);
}

// It ends as any other thread does, on its own stack: the end of its process may be the end of more threads like it,
// and so on, and must not happen inside of whatever closed the handle.
void Thread::handles_gone() {
    if (!is_user() || !claim_unstarted())
        return;
    arch::prepare_stack(arch, [](void*) {}, nullptr);
    add_reference();
    sched::make_ready(*this);
}

void Thread::interrupt_wait() {
    if (try_interrupt())
        sched::make_ready(*this);
    else
        sched::interrupt_if_running(*this);
}

void Thread::end() {
    // The stack of hosted native code goes with its process.
    if (process_ && process_->is_hosted())
        arch::continue_on_kernel_stack(arch, [](void* thread) { static_cast<Thread*>(thread)->finish(); }, this);
    finish();
}

void Thread::finish() {
    if (farewell.address.value != 0)
        (void)copy_out({farewell.address, sizeof(farewell.value)}, std::as_bytes(std::span(&farewell.value, 1)));
    reply_->disconnect();
    if (process_ && buffer_object)
        (void)process_->home().unmap(buffer_address, page_size);
    arch::leave_space();
    if (process_)
        (void)set_guest_space(nullptr);
    receive_source = nullptr;
    unregister_thread(*this);
    if (process_) {
        process_->run_ticks.fetch_add(used_ticks(), std::memory_order_relaxed);
        process_->remove_thread(*this);
    }
    sched::exit_thread();
}

}  // namespace astrata::kernel
