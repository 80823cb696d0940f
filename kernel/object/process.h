// Processes: a handle table, a home address space and threads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "abi/types.h"
#include "kernel/ipc/waitable.h"
#include "kernel/object/handle_table.h"
#include "kernel/object/object.h"
#include "kernel/object/silo.h"
#include "lib/base/intrusive_list.h"
#include "lib/base/units.h"

namespace astrata::kernel {

class AddressSpace;
class Thread;

/// How a process came to its end by an exception.
struct CrashInfo {
    std::uint64_t vector = 0;
    std::uint64_t error_code = 0;
    std::uint64_t fault_address = 0;
    std::uint64_t instruction = 0;
};

class Process final : public KernelObject {
public:
    static constexpr std::size_t name_capacity = 32;

    /// errors    no_memory, no_resources, bad_state
    static Result<Ref<Process>> create(Ref<Silo> silo, std::string_view name, abi::IsolationMode isolation);
    explicit Process(Ref<Account> account, Ref<Silo> silo, Ref<AddressSpace> home, VirtAddr vdso, std::string_view name);
    ~Process() override;

    [[nodiscard]] Silo& silo() const { return *silo_; }
    [[nodiscard]] AddressSpace& home() const { return *home_; }
    /// Where the vDSO lies in it.
    [[nodiscard]] VirtAddr vdso() const { return vdso_; }
    /// Its native code runs in the kernel's half, in the processor's kernel mode.
    [[nodiscard]] bool is_hosted() const { return is_hosted_; }
    [[nodiscard]] HandleTable& handles() { return handles_; }
    [[nodiscard]] std::string_view name() const;

    /// The process refers to the thread until it is removed.
    /// errors    bad_state (ended), no_resources (thread limit)
    [[nodiscard]] Result<> add_thread(Thread& thread);
    /// The thread has ended or will never start. The last one to go ends the process.
    void remove_thread(Thread& thread);

    /// The process is over: every thread is told to end. The first reason given stays.
    void exit(std::int64_t code) { end(abi::ProcessState::exited, code, {}); }
    void kill() { end(abi::ProcessState::killed, 0, {}); }
    void crash(CrashInfo const& info) { end(abi::ProcessState::crashed, 0, info); }

    [[nodiscard]] bool has_ended() const { return is_ending_.load(std::memory_order_acquire); }
    void fill(abi::ProcessInfo& info);

    /// Where faults of instructions in [start, end) continue; 0 is nowhere.
    struct FaultRecovery {
        std::uint64_t start = 0, end = 0, recovery = 0;
    };
    void set_fault_recovery(FaultRecovery const& recovery);
    [[nodiscard]] std::uint64_t recovery_for(std::uint64_t instruction);

    std::atomic<std::uint64_t> run_ticks = 0;   // of threads that have ended
    Waitable ended{true};                       // bit 0, once no thread is left
    ListLink<Process> silo_link;
    ListLink<Process> all_link;

private:
    void end(abi::ProcessState state, std::int64_t code, CrashInfo const& info);
    void reap_unstarted();
    void give_everything_up();

    Ref<Silo> const silo_;
    Ref<AddressSpace> const home_;
    VirtAddr const vdso_;
    bool const is_hosted_;
    HandleTable handles_;
    std::array<char, name_capacity> name_{};
    std::atomic<bool> is_ending_ = false;

    SpinLock<LockRank::process, PreemptionOff> lock_;
    FaultRecovery fault_recovery_ GUARDED_BY(lock_);
    Thread* first_thread_ GUARDED_BY(lock_) = nullptr;   // the list holds references
    std::uint32_t thread_count_ GUARDED_BY(lock_) = 0;
    abi::ProcessState state_ GUARDED_BY(lock_) = abi::ProcessState::new_;
    abi::ProcessState end_state_ GUARDED_BY(lock_) = abi::ProcessState::new_;
    std::int64_t exit_code_ GUARDED_BY(lock_) = 0;
    CrashInfo crash_ GUARDED_BY(lock_);
};

}  // namespace astrata::kernel
