// Time without entering the kernel.
#include <cstdint>

#include "lib/start/vdso_data.h"
#include "machine/processor.h"

extern "C" [[gnu::visibility("hidden")]] astrata::VdsoData const vdso_data;   // placed by vdso.ld

extern "C" std::uint64_t astrata_clock_now() {
    auto const ticks = astrata::read_counter() - vdso_data.counter_base;
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(ticks) * vdso_data.multiplier) >> 32);
}

extern "C" std::uint64_t astrata_clock_wall_ns() {
    return astrata_clock_now() + vdso_data.wall_offset_ns.load(std::memory_order_relaxed);
}
