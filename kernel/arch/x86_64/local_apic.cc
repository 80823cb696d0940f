#include "kernel/arch/x86_64/local_apic.h"

#include <bit>

#include "arch/cpu.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/mem/kernel_space.h"

namespace astrata::kernel::arch {

namespace {

constexpr std::uint32_t msr_apic_base = 0x1b;
constexpr std::uint64_t apic_base_enable = 1U << 11;
constexpr std::uint64_t apic_base_x2apic = 1U << 10;
constexpr std::uint32_t msr_x2apic_first = 0x800;
constexpr std::uint32_t msr_tsc_deadline = 0x6e0;

// Register offsets of the memory-mapped form; the x2APIC MSR is first + offset / 16.
enum class Register : std::uint32_t {
    id = 0x20,
    task_priority = 0x80,
    end_of_interrupt = 0xb0,
    spurious = 0xf0,
    in_service = 0x100,   // the first of eight
    command_low = 0x300,
    command_high = 0x310,
    timer_entry = 0x320,
    lint0 = 0x350,
    lint1 = 0x360,
    error_entry = 0x370,
    timer_initial = 0x380,
    timer_current = 0x390,
    timer_divide = 0x3e0,
};

constexpr std::uint32_t entry_masked = 1U << 16;
constexpr std::uint32_t timer_mode_deadline = 2U << 17;
constexpr std::uint32_t divide_by_one = 0xb;
constexpr std::uint32_t delivery_init = 5U << 8;
constexpr std::uint32_t delivery_startup = 6U << 8;
constexpr std::uint32_t level_assert = 1U << 14;
constexpr std::uint32_t delivery_pending = 1U << 12;

constinit std::uint64_t registers = 0;                     // virtual address of the memory-mapped form
constinit std::uint64_t timer_counts_per_tick = 0;         // scaled by 2^32; 0: the timer counts TSC ticks (deadline mode)

#pragma clang unsafe_buffer_usage begin   // fixed offsets into the APIC's register page
std::uint32_t read(Register which) {
    if (features.has_x2apic)
        return static_cast<std::uint32_t>(read_msr(msr_x2apic_first + (static_cast<std::uint32_t>(which) >> 4)));
    return *reinterpret_cast<std::uint32_t volatile*>(registers + static_cast<std::uint32_t>(which));
}
void write(Register which, std::uint32_t value) {
    if (features.has_x2apic)
        write_msr(msr_x2apic_first + (static_cast<std::uint32_t>(which) >> 4), value);
    else
        *reinterpret_cast<std::uint32_t volatile*>(registers + static_cast<std::uint32_t>(which)) = value;
}
#pragma clang unsafe_buffer_usage end

void send_command(std::uint32_t apic_id, std::uint32_t command) {
    if (features.has_x2apic) {
        write_msr(msr_x2apic_first + 0x30, std::uint64_t{apic_id} << 32 | command);
        return;
    }
    auto const state = disable_interrupts();
    while ((read(Register::command_low) & delivery_pending) != 0)
        pause();
    write(Register::command_high, apic_id << 24);
    write(Register::command_low, command);
    restore_interrupts(state);
}

}  // namespace

void enable_local_apic() {
    auto base = read_msr(msr_apic_base);
    if (registers == 0 && !features.has_x2apic)
        registers = mem::map_device({base & 0xf'ffff'ffff'f000}, page_size).value().value;
    base |= apic_base_enable | (features.has_x2apic ? apic_base_x2apic : 0);
    write_msr(msr_apic_base, base);
    write(Register::task_priority, 0);
    write(Register::lint0, entry_masked);
    write(Register::lint1, entry_masked);
    write(Register::error_entry, entry_masked);
    write(Register::timer_divide, divide_by_one);
    // Stopped, but not masked: a CPU that comes up while the boot CPU still measures the rate must hear its timer later, too.
    write(Register::timer_initial, 0);
    write(Register::timer_entry, (features.has_tsc_deadline ? timer_mode_deadline : 0) | timer_vector);
    write(Register::spurious, 0x100 | spurious_vector);
}

std::uint32_t local_apic_id() {
    auto const raw = read(Register::id);
    return features.has_x2apic ? raw : raw >> 24;
}

std::uint32_t boot_apic_id() {
    static constinit std::uint32_t id = ~std::uint32_t{0};
    if (id == ~std::uint32_t{0})   // first asked for by the boot CPU itself
        id = local_apic_id();
    return id;
}

void end_of_interrupt() {
    write(Register::end_of_interrupt, 0);
}

std::uint8_t interrupt_in_service() {
    for (std::uint32_t word = 8; word-- != 0;) {
        auto const bits = read(static_cast<Register>(static_cast<std::uint32_t>(Register::in_service) + word * 16));
        if (bits != 0)
            return static_cast<std::uint8_t>(word * 32 + 31 - static_cast<std::uint32_t>(std::countl_zero(bits)));
    }
    return 0;
}

void send_interrupt(std::uint32_t apic_id, std::uint8_t vector) {
    send_command(apic_id, level_assert | vector);
}
void send_init(std::uint32_t apic_id) {
    send_command(apic_id, delivery_init | level_assert);
}
void send_startup(std::uint32_t apic_id, std::uint8_t page) {
    send_command(apic_id, delivery_startup | level_assert | page);
}

void start_timer_measurement() {
    if (features.has_tsc_deadline)
        return;
    write(Register::timer_entry, entry_masked | timer_vector);
    write(Register::timer_initial, ~std::uint32_t{0});
}
std::uint32_t timer_measurement_count() {
    return features.has_tsc_deadline ? 0 : ~read(Register::timer_current);
}
void set_timer_rate(std::uint64_t counts_per_tick_scaled) {
    timer_counts_per_tick = counts_per_tick_scaled;
    write(Register::timer_initial, 0);
    write(Register::timer_entry, (features.has_tsc_deadline ? timer_mode_deadline : 0) | timer_vector);
}

void arm_timer(std::uint64_t deadline_ticks) {
    if (features.has_tsc_deadline) {
        write_msr(msr_tsc_deadline, deadline_ticks == ~std::uint64_t{0} ? 0 : deadline_ticks);
        return;
    }
    if (deadline_ticks == ~std::uint64_t{0}) {
        write(Register::timer_initial, 0);
        return;
    }
    auto const now = timestamp();
    std::uint64_t counts = 1;
    if (deadline_ticks > now) {
        auto const scaled = (static_cast<unsigned __int128>(deadline_ticks - now) * timer_counts_per_tick) >> 32;
        // A deadline beyond the counter's range is approached in several steps.
        counts = scaled > 0xffff'ffff ? 0xffff'ffff : static_cast<std::uint64_t>(scaled);
        counts = counts == 0 ? 1 : counts;
    }
    write(Register::timer_initial, static_cast<std::uint32_t>(counts));
}

}  // namespace astrata::kernel::arch
