// The time counter, whose rate the devicetree tells, and this hart's timer: stimecmp (Sstc), or the firmware's
// (SBI 1.0, chapter 6).
#include "kernel/time/clock.h"

#include "arch/cpu.h"
#include "arch/local_timer.h"
#include "kernel/arch/riscv64/machine.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/log/print.h"

namespace astrata::kernel {

namespace clock {

namespace {

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;
constinit std::uint64_t first_count = 0;
// 2^32 * ns per tick. Until the rate is known, one tick counts as a nanosecond.
constinit std::uint64_t multiplier = std::uint64_t{1} << 32;
constinit std::uint64_t ticks_per_ns = std::uint64_t{1} << 32;  // 2^32 * ticks per ns

}  // namespace

void start() {
    first_count = arch::timestamp();
    auto const hz = arch::machine.counter_hz;
    multiplier = (nanoseconds_per_second << 32) / hz;
    ticks_per_ns =
        ((hz / nanoseconds_per_second) << 32) + ((hz % nanoseconds_per_second) << 32) / nanoseconds_per_second;
}

void settle() {
    print("clock: time counter at ", arch::machine.counter_hz / 1000,
          " kHz, timer: ", arch::machine.has_timer_compare ? "stimecmp" : "firmware");
}

MonotonicNs now() {
    return {ns_from_ticks(arch::timestamp() - first_count)};
}
std::uint64_t counter_frequency_hz() {
    return arch::machine.counter_hz;
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
    if (machine.has_timer_compare)
        write_csr<Csr::stimecmp>(deadline_ticks);
    else
        sbi::call(sbi::Extension::timer, 0, deadline_ticks);
}

}  // namespace astrata::kernel
