#include "arch/processor_info.h"

#include <cstring>
#include <span>

#include "arch/cpu.h"
#include "arch/copy_method.h"
#include "kernel/arch/x86_64/features.h"

namespace astrata::kernel::arch {

namespace {

template <std::size_t size>
void put_registers(abi::Text<size>& text, std::size_t offset, std::initializer_list<std::uint32_t> registers) {
    auto bytes = std::as_writable_bytes(std::span(text.bytes)).subspan(offset);
    for (auto const value : registers) {
        std::memcpy(bytes.data(), &value, sizeof(value));
        bytes = bytes.subspan(sizeof(value));
    }
}

}  // namespace

// Intel SDM volume 2, CPUID.
void identify_processor(abi::CpuInfo& info) {
    auto const vendor = cpuid(0);
    put_registers(info.vendor, 0, {vendor.ebx, vendor.edx, vendor.ecx});
    auto const signature = cpuid(1);
    auto const family = (signature.eax >> 8) & 0xf;
    info.family = family == 0xf ? family + ((signature.eax >> 20) & 0xff) : family;
    info.model = ((signature.eax >> 4) & 0xf) | (family >= 6 ? (signature.eax >> 12) & 0xf0 : 0);
    info.stepping = signature.eax & 0xf;
    info.features = std::uint64_t{signature.ecx} << 32 | signature.edx;
    if (vendor.eax >= 7) {
        auto const extended = cpuid(7);
        info.extended_features = std::uint64_t{extended.ecx} << 32 | extended.ebx;
    }
    if (cpuid(0x8000'0000).eax >= 0x8000'0004) {
        for (std::uint32_t part = 0; part < 3; ++part) {
            auto const text = cpuid(0x8000'0002 + part);
            put_registers(info.brand, part * 16, {text.eax, text.ebx, text.ecx, text.edx});
        }
    }
}

void describe_processor(VdsoData& data) {
    data.guards_user_memory = features.has_smap;
    data.copy_method = copy_method();
}

}  // namespace astrata::kernel::arch
