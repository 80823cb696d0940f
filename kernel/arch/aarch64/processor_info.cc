#include "arch/processor_info.h"

#include <string_view>

#include "arch/copy_method.h"
#include "arch/cpu.h"
#include "kernel/arch/aarch64/features.h"

namespace astrata::kernel::arch {

namespace {

// MIDR_EL1.Implementer (Arm ARM DDI 0487, section D23.2.106).
std::string_view implementer(std::uint64_t code) {
    switch (code) {
    case 0x41: return "Arm";
    case 0x42: return "Broadcom";
    case 0x43: return "Cavium";
    case 0x48: return "HiSilicon";
    case 0x4e: return "NVIDIA";
    case 0x51: return "Qualcomm";
    case 0x61: return "Apple";
    case 0xc0: return "Ampere";
    default: return "unknown";
    }
}

}  // namespace

void identify_processor(abi::CpuInfo& info) {
    auto const identification = ASTRATA_READ_REGISTER("midr_el1");
    info.vendor = abi::Text<16>::from(implementer(identification >> 24 & 0xff));
    info.brand = abi::Text<48>::from("AArch64");
    info.family = static_cast<std::uint32_t>(identification >> 20 & 0xf);  // variant
    info.model = static_cast<std::uint32_t>(identification >> 4 & 0xfff);  // part number
    info.stepping = static_cast<std::uint32_t>(identification & 0xf);      // revision
    info.features = ASTRATA_READ_REGISTER("id_aa64isar0_el1");
    info.extended_features = ASTRATA_READ_REGISTER("id_aa64pfr0_el1");
}

void describe_processor(VdsoData& data) {
    data.guards_user_memory = features.has_pan;
    data.has_atomic_instructions = features.has_atomics;
    data.copy_method = copy_method();
}

}  // namespace astrata::kernel::arch
