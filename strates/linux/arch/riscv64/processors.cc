// /proc/cpuinfo on riscv64.
#include <bit>

#include "strates/linux/filesystems/proc/system_texts.h"
#include "strates/linux/process/system_information.h"

namespace astrata::linux_abi {

void make_processors(TextBuffer& text) {
    for (auto rest = online_cpu_mask(); rest != 0; rest &= rest - 1) {
        auto const cpu = static_cast<unsigned>(std::countr_zero(rest));
        text.put("processor\t: ").put_decimal(cpu);
        text.put("\nhart\t\t: ").put_decimal(cpu);
        // What every processor has that this system is built for.
        text.put("\nisa\t\t: rv64imafdc_zicsr_zifencei\n\n");
    }
}

}  // namespace astrata::linux_abi
