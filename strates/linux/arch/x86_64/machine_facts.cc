#include <cpuid.h>

#include <atomic>

#include "strates/linux/exec/machine.h"

namespace astrata::linux_abi {

MachineFacts machine_facts() {
    // CPUID leaf 1, EDX. Asked once: a virtual machine's host answers.
    static constinit std::atomic<std::uint32_t> known_capabilities = 0;
    auto capabilities = known_capabilities.load(std::memory_order_relaxed);
    if (capabilities == 0) {
        unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
        __get_cpuid(1, &eax, &ebx, &ecx, &edx);
        capabilities = edx;
        known_capabilities.store(capabilities, std::memory_order_relaxed);
    }
    return {.capabilities = capabilities};
}

}  // namespace astrata::linux_abi
