#include "kernel/arch/riscv64/plic.h"

#include <algorithm>
#include <array>
#include <span>

#include "arch/interrupt_routing.h"
#include "kernel/arch/riscv64/machine.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel::arch {

namespace {

// Chapter 3, memory map: offsets, and distances between the parts of contexts.
constexpr std::uint64_t priorities = 0;
constexpr std::uint64_t enables = 0x2000;
constexpr std::uint64_t enable_stride = 0x80;
constexpr std::uint64_t contexts = 0x20'0000;
constexpr std::uint64_t context_stride = 0x1000;
constexpr std::uint64_t threshold = 0;
constexpr std::uint64_t claim_complete = 4;
constexpr std::uint32_t source_limit = 1024;

constinit std::uint64_t registers = 0;
constinit std::uint32_t boot_context = 0;

struct Routing {
    SpinLock<LockRank::interrupt_routing, IrqsOff> lock;
    std::array<std::uint8_t, source_limit> vectors GUARDED_BY(lock){};  // of each source in use; 0 is free
};
constinit Routing routing;

#pragma clang unsafe_buffer_usage begin  // fixed offsets into the controller's registers
std::uint32_t read(std::uint64_t offset) {
    return *reinterpret_cast<std::uint32_t volatile*>(registers + offset);
}
void write(std::uint64_t offset, std::uint32_t value) {
    *reinterpret_cast<std::uint32_t volatile*>(registers + offset) = value;
}
#pragma clang unsafe_buffer_usage end

std::uint64_t own_context() {
    return contexts + boot_context * context_stride;
}

// By its priority: a source that is not enabled any more when it is completed would wait for ever (chapter 9).
void set_priority(std::uint32_t source, std::uint32_t priority) {
    write(priorities + source * std::uint64_t{4}, priority);
}

void set_enabled(std::uint32_t source, bool is_enabled) {
    auto const word = enables + boot_context * enable_stride + source / 32 * std::uint64_t{4};
    auto const bit = std::uint32_t{1} << source % 32;
    write(word, is_enabled ? read(word) | bit : read(word) & ~bit);
}

bool is_in_use(std::uint32_t source) REQUIRES(routing.lock) {
    return source < source_limit && routing.vectors[source] != 0;
}

}  // namespace

Result<> start_plic() {
    auto const harts = std::span(machine.harts).first(machine.hart_count);
    auto const own = std::ranges::find(harts, machine.boot_hart, &Hart::number);
    if (machine.plic.value == 0 || own == harts.end() || own->plic_context == Hart{}.plic_context)
        return fail(Error::not_found);
    boot_context = own->plic_context;
    machine.plic_sources = std::min(machine.plic_sources, source_limit - 1);
    registers = TRY(mem::map_device(machine.plic, machine.plic_length)).value;
    for (std::uint32_t source = 1; source <= machine.plic_sources; ++source) {
        set_priority(source, 0);
        set_enabled(source, false);
    }
    write(own_context() + threshold, 0);
    return {};
}

void take_device_interrupts() {
    // Those that come meanwhile are taken as well.
    while (auto const source = read(own_context() + claim_complete)) {
        std::uint8_t vector = 0;
        {
            LockGuard guard(routing.lock);
            vector = source < source_limit ? routing.vectors[source] : std::uint8_t{0};
        }
        if (vector != 0)
            Interrupt::arrived(vector);
        write(own_context() + claim_complete, source);
    }
}

Result<> route_line(std::uint32_t line, std::uint8_t vector, abi::InterruptTrigger) {
    // What triggers it is the gateway's business, in which nothing can be set.
    LockGuard guard(routing.lock);
    if (registers == 0 || line == 0 || line > machine.plic_sources)
        return fail(Error::not_supported);
    if (routing.vectors[line] != 0)
        return fail(Error::already_exists);
    routing.vectors[line] = vector;
    set_priority(line, 1);
    set_enabled(line, true);
    return {};
}

void release_line(std::uint32_t line) {
    LockGuard guard(routing.lock);
    if (!is_in_use(line))
        return;
    set_priority(line, 0);
    set_enabled(line, false);
    routing.vectors[line] = 0;
}

void mask_line(std::uint32_t line) {
    LockGuard guard(routing.lock);
    if (is_in_use(line))
        set_priority(line, 0);
}
void unmask_line(std::uint32_t line) {
    LockGuard guard(routing.lock);
    if (is_in_use(line))
        set_priority(line, 1);
}

}  // namespace astrata::kernel::arch
