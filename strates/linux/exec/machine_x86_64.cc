#include <cpuid.h>

#include <array>

#include "abi/system_calls.h"
#include "strates/linux/core/task.h"
#include "strates/linux/exec/machine.h"
#include "strates/linux/signal/frame.h"

namespace astrata::linux_abi {

MachineFacts machine_facts() {
    static std::atomic<std::uint64_t> known_capabilities = 0, known_frame_size = 0;
    if (known_frame_size.load(std::memory_order_acquire) == 0) {
        // CPUID leaf 1, EDX; and XSAVE's size for what is enabled: leaf 13, subleaf 0, EBX.
        unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
        __get_cpuid(1, &eax, &ebx, &ecx, &edx);
        known_capabilities.store(edx, std::memory_order_relaxed);
        constexpr unsigned os_uses_xsave = 1u << 27;
        std::uint64_t vector_size = 512;
        if ((ecx & os_uses_xsave) != 0 && __get_cpuid_count(13, 0, &eax, &ebx, &ecx, &edx) != 0)
            vector_size = ebx;
        constexpr std::uint64_t alignment = 64 + 16, red_zone = 128;
        known_frame_size.store(sizeof(SignalFrame) + vector_size + vector_state_trailer + alignment + red_zone,
                               std::memory_order_release);
    }
    return {.capabilities = known_capabilities.load(std::memory_order_relaxed),
            .signal_frame_size = known_frame_size.load(std::memory_order_relaxed)};
}

}  // namespace astrata::linux_abi
