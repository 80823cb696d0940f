// IO-APIC (Intel 82093AA data sheet): routes interrupt lines to vectors. All lines go to the boot CPU.
#include <array>
#include <span>

#include "arch/interrupt_routing.h"
#include "kernel/arch/x86_64/local_apic.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel::arch {

namespace {

constexpr std::uint32_t version_register = 1;
constexpr std::uint32_t first_redirection = 0x10;
constexpr std::uint64_t masked = 1U << 16;
constexpr std::uint64_t level_triggered = 1U << 15;
constexpr std::uint64_t active_low = 1U << 13;
constexpr std::size_t controller_limit = 8;
constexpr std::uint32_t line_limit = 240;

struct Controller {
    std::uint64_t registers = 0;
    std::uint32_t first_line = 0;
    std::uint32_t lines = 0;
};

struct Routing {
    SpinLock<LockRank::interrupt_routing, IrqsOff> lock;
    std::array<Controller, controller_limit> controllers GUARDED_BY(lock){};
    std::size_t count GUARDED_BY(lock) = 0;
    std::array<std::uint64_t, line_limit>
        entries GUARDED_BY(lock){};  // redirection entry of each line in use; 0 is free
};
constinit Routing routing;

#pragma clang unsafe_buffer_usage begin  // an index and a data register at fixed offsets
std::uint32_t read(Controller const& controller, std::uint32_t index) {
    *reinterpret_cast<std::uint32_t volatile*>(controller.registers) = index;
    return *reinterpret_cast<std::uint32_t volatile*>(controller.registers + 0x10);
}
void write(Controller const& controller, std::uint32_t index, std::uint32_t value) {
    *reinterpret_cast<std::uint32_t volatile*>(controller.registers) = index;
    *reinterpret_cast<std::uint32_t volatile*>(controller.registers + 0x10) = value;
}
#pragma clang unsafe_buffer_usage end

void write_entry(Controller const& controller, std::uint32_t line, std::uint64_t entry) {
    auto const index = first_redirection + 2 * (line - controller.first_line);
    write(controller, index, static_cast<std::uint32_t>(masked));
    write(controller, index + 1, static_cast<std::uint32_t>(entry >> 32));
    write(controller, index, static_cast<std::uint32_t>(entry));
}

Controller const* controller_of(std::uint32_t line) REQUIRES(routing.lock) {
    for (auto const& controller : std::span(routing.controllers).first(routing.count)) {
        if (line >= controller.first_line && line - controller.first_line < controller.lines)
            return &controller;
    }
    return nullptr;
}

void change_mask(std::uint32_t line, bool is_masked) {
    LockGuard guard(routing.lock);
    auto const* controller = controller_of(line);
    if (controller == nullptr || routing.entries[line] == 0)
        return;
    auto const index = first_redirection + 2 * (line - controller->first_line);
    write(*controller, index, static_cast<std::uint32_t>(routing.entries[line] | (is_masked ? masked : 0)));
}

}  // namespace

void add_io_apic(std::uint64_t physical_address, std::uint32_t first_line) {
    auto const registers = mem::map_device({physical_address}, page_size);
    if (!registers)
        return;
    LockGuard guard(routing.lock);
    if (routing.count == controller_limit)
        return;
    Controller controller{.registers = registers->value, .first_line = first_line, .lines = 0};
    controller.lines = ((read(controller, version_register) >> 16) & 0xff) + 1;
    if (first_line >= line_limit)
        return;
    if (controller.lines > line_limit - first_line)
        controller.lines = line_limit - first_line;
    for (std::uint32_t line = 0; line < controller.lines; ++line)
        write_entry(controller, first_line + line, masked);
    routing.controllers[routing.count++] = controller;
}

bool has_io_apic() {
    LockGuard guard(routing.lock);
    return routing.count != 0;
}

Result<> route_line(std::uint32_t line, std::uint8_t vector, abi::InterruptTrigger trigger) {
    LockGuard guard(routing.lock);
    auto const* controller = controller_of(line);
    if (controller == nullptr)
        return fail(Error::not_supported);
    if (routing.entries[line] != 0)
        return fail(Error::already_exists);
    bool const is_level = trigger == abi::InterruptTrigger::level_low || trigger == abi::InterruptTrigger::level_high;
    bool const is_low = trigger == abi::InterruptTrigger::level_low || trigger == abi::InterruptTrigger::edge_low;
    auto const destination = std::uint64_t{boot_apic_id()} << 56;
    routing.entries[line] = destination | (is_level ? level_triggered : 0) | (is_low ? active_low : 0) | vector;
    write_entry(*controller, line, routing.entries[line]);
    return {};
}

void release_line(std::uint32_t line) {
    LockGuard guard(routing.lock);
    auto const* controller = controller_of(line);
    if (controller == nullptr)
        return;
    write_entry(*controller, line, masked);
    routing.entries[line] = 0;
}

void mask_line(std::uint32_t line) {
    change_mask(line, true);
}
void unmask_line(std::uint32_t line) {
    change_mask(line, false);
}

std::uint64_t message_address(std::uint8_t) {
    return 0xfee0'0000 | std::uint64_t{boot_apic_id()} << 12;
}

}  // namespace astrata::kernel::arch
