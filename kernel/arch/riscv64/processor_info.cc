// SBI 1.0, section 4: what the firmware knows of the harts' registers mvendorid, marchid and mimpid.
#include "arch/processor_info.h"

#include "arch/copy_method.h"
#include "kernel/arch/riscv64/sbi.h"

namespace astrata::kernel::arch {

void identify_processor(abi::CpuInfo& info) {
    constexpr std::uint64_t get_vendor = 4;
    constexpr std::uint64_t get_architecture = 5;
    constexpr std::uint64_t get_implementation = 6;
    info.family = static_cast<std::uint32_t>(sbi::call(sbi::Extension::base, get_vendor).value);
    info.model = static_cast<std::uint32_t>(sbi::call(sbi::Extension::base, get_architecture).value);
    info.stepping = static_cast<std::uint32_t>(sbi::call(sbi::Extension::base, get_implementation).value);
    info.vendor = decltype(info.vendor)::from("RISC-V");
    info.brand = decltype(info.brand)::from("RISC-V");
}

// Every processor has SUM, and Bedrock keeps it clear.
void describe_processor(VdsoData& data) {
    data.guards_user_memory = true;
    data.copy_method = copy_method();
}

}  // namespace astrata::kernel::arch
