#include "kernel/trace/trace.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <new>

#include "abi/system_call_numbers.h"
#include "abi/system_call_traces.h"
#include "arch/cpu.h"
#include "arch/direct_map.h"
#include "arch/smp.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/log/print.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/memory_object.h"
#include "kernel/mem/tlb.h"
#include "kernel/object/process.h"
#include "kernel/object/silo.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/thread_registry.h"
#include "kernel/sync/mutex.h"
#include "kernel/time/clock.h"
#include "kernel/trap/syscall_registers.h"
#include "lib/boot_options/boot_options.h"
#include "lib/trace/format.h"
#include "lib/trace/ring.h"

namespace astrata::kernel::trace {

constinit std::atomic<std::uint32_t> enabled_groups = 0;
constinit std::atomic<std::uint64_t> plain_call_limit = abi::system_call_traces.size();

namespace {

using astrata::trace::RingHeader;

constexpr std::uint64_t smallest_buffer = std::uint64_t{8} << 10;

struct Ring {
    RingHeader* header = nullptr;
    std::span<abi::TraceRecord> records;
};

// Set once, before anything is enabled, and never changed: writers need no lock.
constinit std::array<Ring, cpu_limit> rings;
constinit std::atomic<std::uint64_t> silo_filter = 0;
constinit std::atomic<std::uint64_t> process_filter = 0;

struct Objects {
    std::array<MemoryObject*, cpu_limit> by_cpu{};  // references that are never given up
    bool are_made = false;
};
constinit Mutex<LockRank::trace> mutex;
constinit Objects objects;

Subject subject_of(Thread& thread) {
    if (!thread.is_user())
        return {};
    return {.silo = thread.process().silo().id(), .process = thread.process().id()};
}

bool passes(Subject subject) {
    auto const silo = silo_filter.load(std::memory_order_relaxed);
    auto const process = process_filter.load(std::memory_order_relaxed);
    return (silo == 0 || silo == subject.silo) && (process == 0 || process == subject.process);
}

std::uint32_t id_of(Thread const& thread) {
    return thread.is_idle ? 0 : static_cast<std::uint32_t>(thread.id());
}

// Each CPU writes to its own ring, one record at a time: interrupts are off in between.
void store(abi::TraceRecord const& event) {
    auto const state = arch::disable_interrupts();
    auto const& cpu = arch::this_cpu();
    auto const& ring = rings[cpu.index];
    if (ring.header != nullptr) {
        auto const number = ring.header->written.load(std::memory_order_relaxed);
        auto& slot = ring.records[number % ring.records.size()];
        slot = event;
        slot.timestamp = arch::timestamp();
        slot.thread = id_of(*cpu.current);
        slot.cpu = static_cast<std::uint8_t>(cpu.index);
        ring.header->written.store(number + 1, std::memory_order_release);
    }
    arch::restore_interrupts(state);
}

Result<Ref<MemoryObject>> make_ring(Silo& payer, std::uint64_t buffer) {
    return MemoryObject::create_contiguous(payer.memory(), buffer);
}

void set_up(std::uint32_t index, MemoryObject& object, std::uint64_t buffer) {
    auto* const memory = arch::phys_to_virt(object.device_address());
    auto const capacity = (buffer - astrata::trace::records_offset) / sizeof(abi::TraceRecord);
#pragma clang unsafe_buffer_usage begin  // the object's memory, `buffer` bytes, becomes a header and a span here
    auto* const first = reinterpret_cast<abi::TraceRecord*>(memory + astrata::trace::records_offset);
    rings[index].records = std::span(first, capacity);
#pragma clang unsafe_buffer_usage end
    auto* const header = new (memory) RingHeader;
    header->capacity = capacity;
    header->frequency_hz = clock::counter_frequency_hz();
    header->cpu = index;
    header->cpus = arch::cpu_count();
    rings[index].header = header;
}

Result<> make_rings_locked(Silo& payer, std::uint64_t buffer) REQUIRES(mutex) {
    if (objects.are_made)
        return {};
    if (buffer == 0)
        buffer = default_buffer;
    if (buffer < smallest_buffer || buffer > mem::contiguous_limit)
        return fail(Error::out_of_range);
    auto const count = arch::cpu_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        auto made = make_ring(payer, buffer);
        if (!made) {
            for (std::uint32_t before = 0; before < i; ++before)
                std::exchange(objects.by_cpu[before], nullptr)->drop_reference();
            return fail(made.error());
        }
        objects.by_cpu[i] = made->leak();
    }
    for (std::uint32_t i = 0; i < count; ++i)
        set_up(i, *objects.by_cpu[i], buffer);
    objects.are_made = true;
    return {};
}

// Who was there before recording began.
void record_present() {
    std::uint64_t last = 0;
    for (auto process = next_process(0); process; process = next_process(last)) {
        last = process->id();
        record_process_start(*process);
    }
    last = 0;
    for (auto thread = next_thread(0); thread; thread = next_thread(last)) {
        last = thread->id();
        record_thread_start(*thread);
    }
}

// What foreign code asked of its personality, and got: its registers are in the state that the two share with Bedrock.
void record_foreign_enter() {
    auto const* const state = arch::current_thread().restricted_state;
    if (state == nullptr)
        return;
    auto const arguments = arch::foreign_call_arguments(*state);
    record(abi::trace_foreign_call_enter(static_cast<std::uint16_t>(arch::foreign_call_number(*state)), arguments[0],
                                         arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]));
}
void record_foreign_exit() {
    auto const* const state = arch::current_thread().restricted_state;
    if (state != nullptr && state->exit == abi::RestrictedExit::syscall)
        record(abi::trace_foreign_call_exit(arch::foreign_call_result(*state)));
}

}  // namespace

void Call::begin() {
    number_ = static_cast<std::uint16_t>(std::min<std::uint64_t>(frame_.number(), 0xffff));
    is_recorded_ = true;
    SyscallRegisters const raw(frame_);
    if (number_ == ASTRATA_SYSTEM_CALL_RESTRICTED_ENTER)
        record_foreign_exit();
    record(abi::trace_system_call_enter(number_, raw[0], raw[1], raw[2], raw[3], raw[4], raw[5]));
}

void Call::end() {
    record(abi::trace_system_call_exit(number_, frame_.status()));
    if (number_ == ASTRATA_SYSTEM_CALL_RESTRICTED_ENTER && frame_.status() == 0 &&
        static_cast<abi::RestrictedExit>(frame_.result(0)) == abi::RestrictedExit::syscall)
        record_foreign_enter();
}

void record(abi::TraceRecord const& event) {
    if (passes(subject_of(arch::current_thread())))
        store(event);
}

void record_always(abi::TraceRecord const& event) {
    store(event);
}

void record_about(Subject subject, abi::TraceRecord const& event) {
    if (passes(subject))
        store(event);
}

void record_switch(Thread& previous, Thread& next) {
    constexpr std::uint16_t goes_on = 0;
    constexpr std::uint16_t waits = 1;
    constexpr std::uint16_t has_ended = 2;
    auto const state = previous.has_ended ? has_ended : previous.is_waiting() ? waits : goes_on;
    if (passes(subject_of(previous)) || passes(subject_of(next)))
        store(abi::trace_context_switch(state, id_of(next)));
}

void record_wake(Thread& woken, std::uint32_t target) {
    record_about(subject_of(woken), abi::trace_wake(static_cast<std::uint16_t>(target), id_of(woken)));
}

void record_thread_start(Thread& thread) {
    auto const subject = subject_of(thread);
    record_about(subject, abi::trace_thread_start(id_of(thread), subject.process, thread.name()));
}

void record_process_start(Process& process) {
    Subject const subject{.silo = process.silo().id(), .process = process.id()};
    record_about(subject, abi::trace_process_start(subject.process, subject.silo, process.name()));
}

void record_thread_end(Thread& thread) {
    auto const subject = subject_of(thread);
    record_about(subject, abi::trace_thread_end(id_of(thread), subject.process));
}

void record_process_end(Process& process, abi::ProcessState state, std::int64_t code) {
    Subject const subject{.silo = process.silo().id(), .process = process.id()};
    record_about(subject, abi::trace_process_end(static_cast<std::uint16_t>(state), subject.process,
                                                 static_cast<std::uint64_t>(code)));
}

void record_silo_start(Silo& silo, Silo const* parent) {
    record_about({.silo = silo.id()}, abi::trace_silo_start(silo.id(), parent != nullptr ? parent->id() : 0));
}

void record_silo_end(Silo& silo) {
    record_about({.silo = silo.id()}, abi::trace_silo_end(silo.id()));
}

Result<> control(Silo& payer, Settings settings) {
    LockGuard guard(mutex);
    // Of what was recorded so far nothing is wanted while the rest changes.
    enabled_groups.store(0, std::memory_order_seq_cst);
    if (settings.groups != abi::TraceGroups::none)
        TRY(make_rings_locked(payer, settings.buffer));
    silo_filter.store(settings.silo, std::memory_order_relaxed);
    process_filter.store(settings.process, std::memory_order_relaxed);
    auto const groups = static_cast<std::uint32_t>(settings.groups);
    // The short ways know nothing of events: they are closed while what they do is recorded.
    using enum abi::TraceGroups;
    bool const has_calls = has(settings.groups, system_calls);
    plain_call_limit.store(has_calls ? 0 : abi::system_call_traces.size(), std::memory_order_relaxed);
    close_fast_path(FastPathCloser::trace, (settings.groups & (system_calls | ipc | scheduling)) != none);
    for (auto const& ring : rings) {
        if (ring.header == nullptr)
            break;
        ring.header->silo.store(settings.silo, std::memory_order_relaxed);
        ring.header->process.store(settings.process, std::memory_order_relaxed);
        ring.header->groups.store(groups, std::memory_order_relaxed);
    }
    enabled_groups.store(groups, std::memory_order_seq_cst);
    if (has(settings.groups, life))
        record_present();
    return {};
}

void start_from_command_line(Silo& payer, std::string_view command_line) {
    auto const names = boot_option(command_line, "trace");
    if (!names)
        return;
    Settings settings{.groups = astrata::trace::groups_named(names->empty() ? "all" : *names)};
    if (auto const size = boot_option(command_line, "trace-buffer"); size) {
        auto const [end, status] = std::from_chars(size->begin(), size->end(), settings.buffer);
        if (status != std::errc{} || end != size->end())
            settings.buffer = 0;
    }
    if (settings.groups == abi::TraceGroups::none)
        print("trace: ", *names, ": unknown group of events");
    if (auto const started = control(payer, settings); !started)
        print("trace: not recording: ", name_of(started.error()));
}

Result<Ref<MemoryObject>> ring(std::uint32_t cpu) {
    LockGuard guard(mutex);
    if (cpu >= arch::cpu_count())
        return fail(Error::out_of_range);
    if (!objects.are_made)
        return fail(Error::bad_state);
    return Ref<MemoryObject>::share(*objects.by_cpu[cpu]);
}

}  // namespace astrata::kernel::trace
