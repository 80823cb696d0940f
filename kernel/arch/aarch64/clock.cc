// The generic timer (Arm ARM DDI 0487, chapter D12): the virtual counter as clock, the virtual timer as this CPU's
// one-shot timer. The firmware tells the rate.
#include "kernel/time/clock.h"

#include "arch/cpu.h"
#include "arch/local_timer.h"
#include "kernel/log/print.h"
#include "kernel/trap/panic.h"

namespace astrata::kernel {

namespace {

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;

constinit std::uint64_t first_count = 0;
constinit std::uint64_t frequency_hz = 0;
constinit std::uint64_t multiplier = std::uint64_t{1} << 32;    // 2^32 * ns per tick
constinit std::uint64_t ticks_per_ns = std::uint64_t{1} << 32;  // 2^32 * ticks per ns

}  // namespace

namespace clock {

void start() {
    first_count = arch::timestamp();
    frequency_hz = ASTRATA_READ_REGISTER("cntfrq_el0");
    if (frequency_hz == 0)
        panic("the firmware has not said how fast the generic timer counts (CNTFRQ_EL0)");
    multiplier = (nanoseconds_per_second << 32) / frequency_hz;
    ticks_per_ns = ((frequency_hz / nanoseconds_per_second) << 32) +
                   ((frequency_hz % nanoseconds_per_second) << 32) / nanoseconds_per_second;
}

void settle() {
    print("clock: generic timer at ", frequency_hz / 1000, " kHz");
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

}  // namespace clock

void arch::arm_timer(std::uint64_t deadline_ticks) {
    constexpr std::uint64_t enabled = 1;
    if (deadline_ticks == ~std::uint64_t{0}) {
        ASTRATA_WRITE_REGISTER("cntv_ctl_el0", 0);
        return;
    }
    // The comparison is signed: what lies too far ahead would count as past.
    constexpr auto furthest = ~std::uint64_t{0} >> 1;
    ASTRATA_WRITE_REGISTER("cntv_cval_el0", deadline_ticks < furthest ? deadline_ticks : furthest);
    ASTRATA_WRITE_REGISTER("cntv_ctl_el0", enabled);
}

}  // namespace astrata::kernel
