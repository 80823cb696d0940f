// The TSC as clock (Intel SDM volume 3, section 17.17). Its rate comes from CPUID leaf 15h/16h or the hypervisor's
// timing leaf (4000_0010h) if they tell; otherwise from comparing it with the 8254 timer, channel 2, over the time that
// boot takes.
#include "kernel/time/clock.h"

#include "arch/cpu.h"
#include "arch/ports.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/arch/x86_64/local_apic.h"
#include "kernel/log/print.h"

namespace astrata::kernel::clock {

namespace {

constexpr std::uint64_t pit_hz = 1'193'182;
constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;
// A handful of reference ticks would make a coarse rate.
constexpr std::uint16_t least_pit_ticks = 1200;
// The reference wraps every 55 ms, and nobody sees how often. No TSC counts further in a span that is certainly
// shorter.
constexpr std::uint64_t wrap_free_ticks = 40'000'000;

constinit std::uint64_t first_count = 0;
constinit std::uint64_t frequency_hz = 0;
// 2^32 * ns per tick. Until the rate is known, one tick counts as a nanosecond.
constinit std::uint64_t multiplier = std::uint64_t{1} << 32;
constinit std::uint64_t ticks_per_ns = std::uint64_t{1} << 32;  // 2^32 * ticks per ns

struct Sample {
    std::uint64_t ticks = 0;
    std::uint32_t timer = 0;
    std::uint16_t pit = 0;
};
constinit Sample began;

std::uint16_t read_pit() {
    arch::port_out<std::uint8_t>(0x43, 0x80);  // latch channel 2
    auto const low = arch::port_in<std::uint8_t>(0x42);
    auto const high = arch::port_in<std::uint8_t>(0x42);
    return static_cast<std::uint16_t>(high << 8 | low);
}

Sample take_sample() {
    // The TSC is read on both sides of the slow port reads; the middle is closest to when the count was latched. The
    // closest pair of several: a host may take the processor away between any two instructions.
    Sample best;
    auto best_distance = ~std::uint64_t{0};
    for (int attempt = 0; attempt < 3; ++attempt) {
        auto const before = arch::timestamp();
        auto const pit = read_pit();
        auto const timer = arch::timer_measurement_count();
        auto const distance = arch::timestamp() - before;
        if (distance < best_distance) {
            best_distance = distance;
            best = {.ticks = before + distance / 2, .timer = timer, .pit = pit};
        }
    }
    return best;
}

Sample end_measurement() {
    auto sample = take_sample();
    while (static_cast<std::uint16_t>(began.pit - sample.pit) < least_pit_ticks)
        sample = take_sample();
    return sample;
}

std::uint64_t told_frequency() {
    auto const highest = arch::cpuid(0).eax;
    if (highest >= 0x15) {
        auto const leaf = arch::cpuid(0x15);
        if (leaf.eax != 0 && leaf.ebx != 0 && leaf.ecx != 0)
            return std::uint64_t{leaf.ecx} * leaf.ebx / leaf.eax;
    }
    auto const is_guest = (arch::cpuid(1).ecx >> 31) != 0;
    if (is_guest && arch::cpuid(0x4000'0000).eax >= 0x4000'0010)
        return std::uint64_t{arch::cpuid(0x4000'0010).eax} * 1000;
    return 0;
}

void set_frequency(std::uint64_t hz) {
    frequency_hz = hz;
    multiplier = (nanoseconds_per_second << 32) / hz;
    ticks_per_ns =
        ((hz / nanoseconds_per_second) << 32) + ((hz % nanoseconds_per_second) << 32) / nanoseconds_per_second;
}

}  // namespace

void start() {
    first_count = arch::timestamp();
    // Channel 2, both bytes, mode 2 (rate generator), gate on, speaker off: counts down freely, wrapping every 55 ms.
    arch::port_out<std::uint8_t>(0x61, static_cast<std::uint8_t>((arch::port_in<std::uint8_t>(0x61) & 0xfc) | 1));
    arch::port_out<std::uint8_t>(0x43, 0xb4);
    arch::port_out<std::uint8_t>(0x42, 0);
    arch::port_out<std::uint8_t>(0x42, 0);
    arch::start_timer_measurement();
    began = take_sample();
}

void settle() {
    auto const told = told_frequency();
    // On a machine that boots faster than this the loop adds the missing fraction of a millisecond.
    auto now_sample = end_measurement();
    // A virtual machine that was held up on its way, as a busy host does, measures a short span of its own instead.
    for (int attempt = 0; attempt < 50 && now_sample.ticks - began.ticks > wrap_free_ticks; ++attempt) {
        began = take_sample();
        now_sample = end_measurement();
    }
    auto const ticks = now_sample.ticks - began.ticks;
    auto const pit_ticks = static_cast<std::uint16_t>(began.pit - now_sample.pit);
    set_frequency(told != 0 ? told : ticks * pit_hz / pit_ticks);
    auto const timer_counts = std::uint64_t{now_sample.timer - began.timer};
    arch::set_timer_rate((timer_counts << 32) / ticks);
    print("clock: TSC at ", frequency_hz / 1000, " kHz, ", told != 0 ? "as the machine tells" : "measured during boot");
}

MonotonicNs now() {
    return {ns_from_ticks(arch::timestamp() - first_count)};
}
std::uint64_t counter_frequency_hz() {
    return frequency_hz;
}
std::uint64_t ticks_for(std::uint64_t nanoseconds) {
    auto const ticks = (static_cast<unsigned __int128>(nanoseconds) * ticks_per_ns) >> 32;
    return ticks > ~std::uint64_t{0} ? ~std::uint64_t{0} : static_cast<std::uint64_t>(ticks);
}
std::uint64_t ns_from_ticks(std::uint64_t ticks) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(ticks) * multiplier) >> 32);
}
std::uint64_t counter_at(MonotonicNs time) {
    auto const ticks = ticks_for(time.value);
    return ticks > ~first_count ? ~std::uint64_t{0} : first_count + ticks;
}
Conversion conversion() {
    return {.counter_base = first_count, .multiplier = multiplier};
}

}  // namespace astrata::kernel::clock
