#include "kernel/arch/aarch64/interrupt_controller.h"

#include <array>

#include "arch/cpu.h"
#include "arch/interrupt_routing.h"
#include "arch/local_timer.h"
#include "arch/smp.h"
#include "kernel/arch/aarch64/machine.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sync/spin_lock.h"
#include "kernel/trap/exception.h"

namespace astrata::kernel::arch {

namespace {

constinit gic::Interface const* interface = nullptr;
constinit DeviceRegisters distributor;
constinit std::uint32_t lines = 0;

struct Routing {
    SpinLock<LockRank::interrupt_routing, IrqsOff> lock;
    std::array<std::uint8_t, gic::line_limit> vectors GUARDED_BY(lock){};  // of each line in use; 0 is free
};
constinit Routing routing;

std::uint32_t bit_of(std::uint32_t line) {
    return std::uint32_t{1} << line % 32;
}
// Of registers with a bit for each line.
std::uint64_t word_of(std::uint64_t first, std::uint32_t line) {
    return first + line / 32 * sizeof(std::uint32_t);
}

void set_trigger(std::uint32_t line, bool is_edge) {
    constexpr std::uint32_t lines_per_word = 16;
    auto const word = gic::configuration + line / lines_per_word * sizeof(std::uint32_t);
    auto const edge = std::uint32_t{2} << line % lines_per_word * 2;
    auto const others = distributor.read(word) & ~edge;
    distributor.write(word, others | (is_edge ? edge : 0));
}

std::uint8_t vector_of(std::uint32_t line) {
    LockGuard guard(routing.lock);
    return routing.vectors[line];
}

// Returns the driver's thread that waited for the interrupt, if that was it; it is to be made ready.
Thread* dispatch(std::uint32_t number, std::uint32_t acknowledged) {
    if (number == static_cast<std::uint32_t>(SoftwareInterrupt::reschedule)) {
        interface->end(acknowledged);
        sched::reschedule_interrupt();
    } else if (number == static_cast<std::uint32_t>(SoftwareInterrupt::stop)) {
        halt_forever();
    } else if (number == machine.timer_line) {
        // It asks as long as its time is past.
        arm_timer(~std::uint64_t{0});
        synchronize_context();
        interface->end(acknowledged);
        sched::timer_interrupt();
    } else {
        auto const vector = vector_of(number);
        auto* const woken = vector != 0 ? Interrupt::take_arrival(vector) : nullptr;
        interface->end(acknowledged);
        return woken;
    }
    return nullptr;
}

}  // namespace

void gic::prepare_private_interrupts(DeviceRegisters registers) {
    registers.write(clear_enable, ~std::uint32_t{0});
    registers.write(group, interface->groups);
    for (std::uint32_t line = 0; line < first_shared; ++line)
        registers.write_byte(priority + line, default_priority);
    registers.write(set_enable, bit_of(static_cast<std::uint32_t>(SoftwareInterrupt::reschedule)) |
                                    bit_of(static_cast<std::uint32_t>(SoftwareInterrupt::stop)) |
                                    bit_of(machine.timer_line));
}

Result<> start_interrupt_controller() {
    if (machine.distributor.length == 0)
        return fail(Error::not_found);
    distributor = DeviceRegisters(TRY(mem::map_device(machine.distributor.start, machine.distributor.length)).value);
    interface = TRY(machine.has_redistributors ? gic::version_3() : gic::version_2(distributor));
    distributor.write(gic::control, 0);
    lines = std::min((distributor.read(gic::type) & 0x1f) * 32 + 32, gic::line_limit);
    for (auto line = gic::first_shared; line < lines; line += 32) {
        distributor.write(word_of(gic::clear_enable, line), ~std::uint32_t{0});
        distributor.write(word_of(gic::group, line), interface->groups);
    }
    for (auto line = gic::first_shared; line < lines; ++line)
        distributor.write_byte(gic::priority + line, gic::default_priority);
    interface->enable_distributor(distributor);
    return {};
}

Result<> open_interrupt_interface(PerCpu& cpu) {
    return interface->open(cpu);
}

void send_interrupt(PerCpu const& target, SoftwareInterrupt interrupt) {
    interface->send(target, static_cast<std::uint32_t>(interrupt));
}

void handle_interrupts(bool is_from_user) {
    constexpr std::uint32_t number_mask = 0xff'ffff;
    for (;;) {
        auto const acknowledged = interface->acknowledge();
        // Version 2 tells the sender of a software interrupt above the number.
        auto const number = machine.has_redistributors ? acknowledged & number_mask : acknowledged & 0x3ff;
        if (number >= gic::line_limit)
            return;
        Thread* woken = nullptr;
        {
            InterruptScope const scope(number);
            woken = dispatch(number, acknowledged);
        }
        if (woken == nullptr)
            continue;
        if (!is_from_user) {
            sched::make_ready(*woken);
            continue;
        }
        // The driver goes first, perhaps at once; what else is pending interrupts it.
        sched::make_ready_or_run(*woken);
        return;
    }
}

Result<> route_line(std::uint32_t line, std::uint8_t vector, abi::InterruptTrigger trigger) {
    if (line < gic::first_shared || line >= lines)
        return fail(Error::not_supported);
    LockGuard guard(routing.lock);
    if (routing.vectors[line] != 0)
        return fail(Error::already_exists);
    routing.vectors[line] = vector;
    set_trigger(line, trigger == abi::InterruptTrigger::edge_low || trigger == abi::InterruptTrigger::edge_high);
    interface->route(distributor, line, cpu(0));
    distributor.write(word_of(gic::set_enable, line), bit_of(line));
    return {};
}

void release_line(std::uint32_t line) {
    LockGuard guard(routing.lock);
    distributor.write(word_of(gic::clear_enable, line), bit_of(line));
    routing.vectors[line] = 0;
}

void mask_line(std::uint32_t line) {
    distributor.write(word_of(gic::clear_enable, line), bit_of(line));
}
void unmask_line(std::uint32_t line) {
    distributor.write(word_of(gic::set_enable, line), bit_of(line));
}

}  // namespace astrata::kernel::arch
