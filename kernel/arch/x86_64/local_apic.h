// Local APIC (Intel SDM volume 3, chapter 11): inter-processor interrupts, end of interrupt, one-shot timer. x2APIC
// where the processor has it, else memory-mapped.
#pragma once

#include <cstdint>

#include "arch/local_timer.h"

namespace astrata::kernel::arch {

// Vectors. Devices get first_device_vector..last_device_vector.
inline constexpr std::uint8_t first_device_vector = 0x30;
inline constexpr std::uint8_t last_device_vector = 0xdf;
inline constexpr std::uint8_t timer_vector = 0xf0;
inline constexpr std::uint8_t reschedule_vector = 0xf1;
inline constexpr std::uint8_t tlb_flush_vector = 0xf2;
inline constexpr std::uint8_t stop_vector = 0xf3;
inline constexpr std::uint8_t spurious_vector = 0xff;

/// Enables this CPU's local APIC; the timer is stopped.
void enable_local_apic();
[[nodiscard]] std::uint32_t local_apic_id();
/// The boot CPU, which all device interrupts go to.
[[nodiscard]] std::uint32_t boot_apic_id();
void end_of_interrupt();
/// The most urgent vector that was taken and not ended yet; 0 if there is none.
[[nodiscard]] std::uint8_t interrupt_in_service();
void send_interrupt(std::uint32_t apic_id, std::uint8_t vector);
/// INIT, then STARTUP with the page number of the real-mode trampoline.
void send_init(std::uint32_t apic_id);
void send_startup(std::uint32_t apic_id, std::uint8_t page);

/// The timer's own counter, for measuring its rate: counts down from 2^32-1 without interrupting.
void start_timer_measurement();
[[nodiscard]] std::uint32_t timer_measurement_count();
/// From measurement: timer counts per 2^32 TSC ticks.
void set_timer_rate(std::uint64_t counts_per_tick_scaled);

}  // namespace astrata::kernel::arch
