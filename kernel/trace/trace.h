// Events of the whole system, recorded in one ring for each CPU (lib/trace/ring.h) while somebody has asked for them.
//
// Budget: an event site that is off costs two instructions, a test of one global word and a branch; system calls and
// the direct switches of the IPC fast path cost none: while their events are on, they are made to take a longer way
// (see start).
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "abi/trace_events.h"
#include "arch/test_bits.h"
#include "lib/base/ref.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class MemoryObject;
class Process;
class Silo;
class Thread;

namespace arch {
struct TrapFrame;
}

namespace trace {

/// The groups that are recorded. A site that reads an old value for a moment records one event more or less.
extern std::atomic<std::uint32_t> enabled_groups;
/// Numbers from here on are no system calls, or must be traced: 0 while system calls are recorded.
extern std::atomic<std::uint64_t> plain_call_limit;

[[nodiscard, gnu::always_inline]] inline bool is_on(abi::TraceGroups group) {
    return arch::has_any(enabled_groups, static_cast<std::uint32_t>(group));
}

/// What an event is about, for the filter.
struct Subject {
    std::uint64_t silo = 0;
    std::uint64_t process = 0;
};

/// Stores a record, with time, CPU and thread filled in, if the running thread passes the filter.
/// context   any but non-maskable interrupts
[[gnu::cold, gnu::noinline]] void record(abi::TraceRecord const& event);
/// Stores it whoever is running.
[[gnu::cold, gnu::noinline]] void record_always(abi::TraceRecord const& event);
/// The same for events about something else than the running thread.
[[gnu::cold, gnu::noinline]] void record_about(Subject subject, abi::TraceRecord const& event);

[[gnu::cold, gnu::noinline]] void record_switch(Thread& previous, Thread& next);
[[gnu::cold, gnu::noinline]] void record_wake(Thread& woken, std::uint32_t target);
[[gnu::cold, gnu::noinline]] void record_thread_start(Thread& thread);
[[gnu::cold, gnu::noinline]] void record_thread_end(Thread& thread);
[[gnu::cold, gnu::noinline]] void record_process_start(Process& process);
[[gnu::cold, gnu::noinline]] void record_process_end(Process& process, abi::ProcessState state, std::int64_t code);
[[gnu::cold, gnu::noinline]] void record_silo_start(Silo& silo, Silo const* parent);
[[gnu::cold, gnu::noinline]] void record_silo_end(Silo& silo);

/// Records that a system call begins, and at the end of its life that it is over. A parked thread may never come back
/// to it; then there is no second record.
class Call {
public:
    explicit Call(arch::TrapFrame& frame) : frame_(frame) {
        if (is_on(abi::TraceGroups::system_calls)) [[unlikely]]
            begin();
    }
    Call(Call const&) = delete;
    Call& operator=(Call const&) = delete;
    ~Call() {
        if (is_recorded_) [[unlikely]]
            end();
    }

private:
    [[gnu::cold, gnu::noinline]] void begin();
    [[gnu::cold, gnu::noinline]] void end();

    arch::TrapFrame& frame_;
    std::uint16_t number_ = 0;
    bool is_recorded_ = false;
};

struct Settings {
    abi::TraceGroups groups = abi::TraceGroups::none;
    std::uint64_t silo = 0;     ///< id; 0: all
    std::uint64_t process = 0;  ///< id; 0: all
    std::uint64_t buffer = 0;   ///< bytes of each ring, when they are made; 0: the default
};
inline constexpr std::uint64_t default_buffer = std::uint64_t{1} << 20;

/// Changes what is recorded; `payer` pays for the rings, which stay once they are made.
/// errors    no_memory, out_of_range (buffer)
/// context   may block
Result<> control(Silo& payer, Settings settings);
/// What `trace=GROUP,...` and `trace-buffer=BYTES` on the command line ask for.
void start_from_command_line(Silo& payer, std::string_view command_line);
/// errors    out_of_range, bad_state (there are no rings)
Result<Ref<MemoryObject>> ring(std::uint32_t cpu);

}  // namespace trace
}  // namespace astrata::kernel
