// The system calls that only riscv64 has.
#include <algorithm>
#include <bit>

#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "strates/linux/core/task.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/system_information.h"

namespace astrata::linux_abi {
namespace {

/// struct riscv_hwprobe.
struct HardwareFact {
    std::int64_t key;
    std::uint64_t value;
};

// Linux's Documentation/arch/riscv/hwprobe.rst. What every processor has that this system is built for; an unknown key
// is answered with the key -1.
HardwareFact answer(std::int64_t key) {
    enum : std::int64_t { vendor = 0, architecture = 1, implementation = 2, base = 3, extensions = 4, misaligned = 5 };
    constexpr std::uint64_t base_integer_multiply_atomics = 1;
    constexpr std::uint64_t floating_point = 1, compressed = 2;
    switch (key) {
    case vendor:
    case architecture:
    case implementation: return {key, 0};
    case base: return {key, base_integer_multiply_atomics};
    case extensions: return {key, floating_point | compressed};
    case misaligned: return {key, 0};  // unknown
    default: return {-1, 0};
    }
}

void fetch_afresh() {
    asm volatile("fence.i" ::: "memory");
}

}  // namespace

LinuxResult<std::uint64_t> sys_riscv_hwprobe(Task& task, GuestAddress pairs, std::uint64_t count, std::uint64_t,
                                             GuestAddress, std::uint32_t flags) {
    if (flags != 0)
        return fail(Errno::einval);
    for (std::uint64_t index = 0; index < count && !task.is_dying(); ++index) {
        auto const place = pairs + index * sizeof(HardwareFact);
        auto const asked = LTRY(read_guest<HardwareFact>(place));
        LTRY(write_guest(place, answer(asked.key)));
    }
    return 0;
}

// FENCE.I makes one CPU see what was written: the thread visits all of them. Code is written rarely, and to ask the
// other CPUs is the kernel's to do, which would need a system call for this alone.
LinuxResult<std::uint64_t> sys_riscv_flush_icache(Task& task, GuestAddress, GuestAddress, std::uint64_t flags) {
    constexpr std::uint64_t this_cpu_only = 1;  // SYS_RISCV_FLUSH_ICACHE_LOCAL
    if ((flags & ~this_cpu_only) != 0)
        return fail(Errno::einval);
    fetch_afresh();
    auto const cpus = online_cpu_mask();
    if (flags == this_cpu_only || std::has_single_bit(cpus))
        return 0;
    // Nobody changes the task's own mask meanwhile.
    Lock lock(process_table().mutex);
    for (auto rest = cpus; rest != 0; rest &= rest - 1) {
        // One that went offline has nothing to forget.
        if (sys::thread_set_affinity(task.thread, rest & (0 - rest)).has_value())
            fetch_afresh();
    }
    static_cast<void>(sys::thread_set_affinity(task.thread, task.cpu_mask));
    return 0;
}

}  // namespace astrata::linux_abi
