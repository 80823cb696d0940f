// /proc/cpuinfo on aarch64.
#include <bit>

#include "strates/linux/arch/aarch64/capabilities.h"
#include "strates/linux/exec/machine.h"
#include "strates/linux/filesystems/proc/system_texts.h"
#include "strates/linux/process/system_information.h"

namespace astrata::linux_abi {

void make_processors(TextBuffer& text) {
    auto const capabilities = machine_facts().capabilities;
    for (auto rest = online_cpu_mask(); rest != 0; rest &= rest - 1) {
        text.put("processor\t: ").put_decimal(static_cast<unsigned>(std::countr_zero(rest)));
        text.put("\nFeatures\t:");
        for (auto const& [bit, name] : aarch64::capability::all) {
            if ((capabilities & bit) != 0)
                text.put(' ').put(name);
        }
        text.put("\nCPU architecture: 8\n\n");
    }
}

}  // namespace astrata::linux_abi
