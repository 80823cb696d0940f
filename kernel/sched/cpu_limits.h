// Silos' quotas and weights of CPU time, applied. Every switch adds the time used to the thread's own silo, as ever; all
// the rest happens in a tick every few milliseconds, on CPUs that are busy, and only while some silo has a limit at all.
//
// - A tick passes what silos have used on to those above them, and so finds quotas that are used up. Threads of such a
//   silo, and of those below it, stop when they are about to return to user mode, where they hold no lock of the kernel,
//   until the next period. A silo's time is that of its own threads: work that a server does for a caller counts for the
//   server's silo. Whoever calls a server in a silo without time left waits until its next period, a second at most
//   beyond what it owes; priority is lent with a call, time is not.
// - While a quota is used up, messages do not take the short way from thread to thread, which asks nobody.
// - A silo that has had more than its weight allows, against siblings that want time too, has its time-shared threads
//   queue below theirs.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/object/silo.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class Thread;

namespace cpu_limits {

inline constexpr std::uint64_t unlimited_us = ~std::uint64_t{0};
inline constexpr std::uint64_t shortest_period_us = 10'000;
inline constexpr std::uint64_t longest_period_us = 1'000'000;
inline constexpr std::uint64_t standard_period_us = 100'000;
inline constexpr std::uint64_t smallest_quota_us = 1'000;

struct Settings {
    std::uint64_t quota_us;    // 0: as it is; unlimited_us: none
    std::uint64_t period_us;   // 0: as it is
    std::uint32_t weight;      // 0: as it is
};
/// errors    not_supported (the root silo), out_of_range
Result<> set(Silo& silo, Settings const& settings);

/// Silos enter when they are created and leave when they are destroyed.
void add(Silo& silo);
void remove(Silo& silo);

/// Some silo has a limit: CPUs that are busy must tick.
extern std::atomic<bool> are_on;
/// Silos whose quota is used up at present.
extern std::atomic<std::uint32_t> exhausted_silos;

/// On each tick of a busy CPU, its own current thread's time charged. Interrupts are off.
void tick(std::uint64_t now);
[[nodiscard]] bool has_no_time(Thread const& thread);
/// Waits while the thread's silo, or one above it, has no time left; a kill ends it. Interrupts are off, nothing is held.
void wait_for_time(Thread& thread);
/// For a thread that is to end.
void stop_waiting(Thread& thread);

}  // namespace cpu_limits
}  // namespace astrata::kernel
