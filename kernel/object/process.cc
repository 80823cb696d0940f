#include "kernel/object/process.h"

#include <algorithm>

#include "kernel/boot/vdso.h"
#include "kernel/mem/address_space.h"
#include "kernel/object/make_object.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/thread_registry.h"
#include "kernel/time/clock.h"
#include "kernel/trace/trace.h"

namespace astrata::kernel {

Process::Process(Ref<Account> account, Ref<Silo> silo, Ref<AddressSpace> home, VirtAddr vdso, std::string_view name)
    : KernelObject(abi::ObjectKind::process, std::move(account)), silo_(std::move(silo)), home_(std::move(home)),
      vdso_(vdso), is_hosted_(home_->is_hosted()), handles_(silo_->memory()) {
    std::ranges::copy(name.substr(0, name_capacity - 1), name_.begin());
}

Process::~Process() {
    unregister_process(*this);
    silo_->remove_process(*this);
}

Result<Ref<Process>> Process::create(Ref<Silo> silo, std::string_view name, abi::IsolationMode isolation) {
    bool const is_hosted = isolation == abi::IsolationMode::kernel;
    auto home =
        TRY(is_hosted ? AddressSpace::create_hosted_home(silo->memory()) : AddressSpace::create_home(silo->memory()));
    auto const vdso = TRY(furnish_home(*home));
    TRY(silo->count_process());
    auto process = make_object<Process>(silo->memory(), silo, std::move(home), vdso, name);
    if (!process) {
        silo->uncount_process();
        return process;
    }
    silo->add_process(**process);
    register_process(**process);
    // A kill that swept the silo before the process was on its list is caught up with here.
    if (silo->is_killed())
        (*process)->kill();
    return process;
}

std::string_view Process::name() const {
    std::string_view const padded(name_.data(), name_.size());
    return padded.substr(0, padded.find('\0'));
}

Result<> Process::add_thread(Thread& thread) {
    TRY(silo_->count_thread());
    {
        LockGuard guard(lock_);
        if (!is_ending_.load(std::memory_order_relaxed)) {
            // The list holds a reference: a thread that was never started may lose its last handle while it stands
            // here.
            thread.add_reference();
            thread.process_link = {.previous = nullptr, .next = first_thread_, .is_linked = true};
            if (first_thread_ != nullptr)
                first_thread_->process_link.previous = &thread;
            first_thread_ = &thread;
            ++thread_count_;
            if (state_ == abi::ProcessState::new_)
                state_ = abi::ProcessState::running;
            return {};
        }
    }
    silo_->uncount_thread();
    return fail(Error::bad_state);
}

void Process::remove_thread(Thread& thread) {
    bool is_last = false;
    {
        LockGuard guard(lock_);
        auto& link = thread.process_link;
        if (!link.is_linked)
            return;
        (link.previous != nullptr ? link.previous->process_link.next : first_thread_) = link.next;
        if (link.next != nullptr)
            link.next->process_link.previous = link.previous;
        link = {};
        --thread_count_;
        is_last = thread_count_ == 0;
        if (is_last) {
            is_ending_.store(true, std::memory_order_release);
            if (end_state_ == abi::ProcessState::new_)
                end_state_ = abi::ProcessState::exited;
        }
    }
    silo_->uncount_thread();
    if (is_last)
        give_everything_up();
    thread.drop_reference();
}

void Process::give_everything_up() {
    handles_.close_all();
    home_->clear();
    {
        LockGuard guard(lock_);
        state_ = end_state_;
        if (trace::is_on(abi::TraceGroups::life)) [[unlikely]]
            trace::record_process_end(*this, state_, exit_code_);
    }
    silo_->remove_process(*this);
    ended.signal(1);
}

void Process::end(abi::ProcessState state, std::int64_t code, CrashInfo const& info) {
    bool has_threads = false;
    {
        LockGuard guard(lock_);
        if (end_state_ == abi::ProcessState::new_) {
            end_state_ = state;
            exit_code_ = code;
            crash_ = info;
        }
        is_ending_.store(true, std::memory_order_release);
        for (auto* thread = first_thread_; thread != nullptr; thread = thread->process_link.next)
            thread->kill();
        // Threads that were never started will not come by to end themselves.
        has_threads = thread_count_ != 0;
    }
    reap_unstarted();
    if (!has_threads)
        give_everything_up();
}

void Process::reap_unstarted() {
    for (;;) {
        RefOrNull<Thread> victim;
        {
            LockGuard guard(lock_);
            for (auto* thread = first_thread_; thread != nullptr && !victim; thread = thread->process_link.next) {
                if (thread->claim_unstarted() && thread->try_add_reference())
                    victim = Ref<Thread>::adopt(*thread);
            }
        }
        if (!victim)
            return;
        unregister_thread(*victim);
        remove_thread(*victim);
    }
}

void Process::set_fault_recovery(FaultRecovery const& recovery) {
    LockGuard guard(lock_);
    fault_recovery_ = recovery;
}

std::uint64_t Process::recovery_for(std::uint64_t instruction) {
    LockGuard guard(lock_);
    auto const& range = fault_recovery_;
    return instruction >= range.start && instruction < range.end ? range.recovery : 0;
}

void Process::fill(abi::ProcessInfo& info) {
    info = {};
    info.id = id();
    info.silo_id = silo_->id();
    info.isolation = is_hosted_ ? abi::IsolationMode::kernel : abi::IsolationMode::user;
    info.name = abi::Text<32>::from(name());
    info.handles = handles_.count();
    info.memory_mapped = home_->mapped_bytes();
    std::uint64_t ticks = run_ticks.load(std::memory_order_relaxed);
    LockGuard guard(lock_);
    for (auto* thread = first_thread_; thread != nullptr; thread = thread->process_link.next)
        ticks += thread->used_ticks();
    info.cpu_time_ns = clock::ns_from_ticks(ticks);
    info.state = state_;
    info.threads = thread_count_;
    info.exit_code = exit_code_;
    info.fault_vector = crash_.vector;
    info.fault_error = crash_.error_code;
    info.fault_address = crash_.fault_address;
    info.fault_instruction = crash_.instruction;
}

}  // namespace astrata::kernel
