// /proc/cpuinfo on x86_64, from the CPUID instruction, which every program may execute.

#include <cpuid.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "abi/system_calls.h"
#include "strates/linux/filesystems/proc/system_texts.h"
#include "strates/linux/process/system_information.h"

namespace astrata::linux_abi {

namespace {

struct Leaf {
    std::uint32_t a = 0, b = 0, c = 0, d = 0;
};
Leaf read_leaf(std::uint32_t leaf, std::uint32_t part = 0) {
    Leaf result;
    __cpuid_count(leaf, part, result.a, result.b, result.c, result.d);
    return result;
}

struct Feature {
    std::uint8_t bit;
    std::string_view name;
};
// Intel SDM volume 2, CPUID: leaf 1 EDX and ECX, leaf 7 EBX; AMD APM volume 3: leaf 0x80000001.
constexpr std::array leaf1_edx = {
    Feature{0, "fpu"},      Feature{3, "pse"},  Feature{4, "tsc"},   Feature{5, "msr"},  Feature{6, "pae"},
    Feature{7, "mce"},      Feature{8, "cx8"},  Feature{9, "apic"},  Feature{11, "sep"}, Feature{12, "mtrr"},
    Feature{13, "pge"},     Feature{14, "mca"}, Feature{15, "cmov"}, Feature{16, "pat"}, Feature{17, "pse36"},
    Feature{19, "clflush"}, Feature{23, "mmx"}, Feature{24, "fxsr"}, Feature{25, "sse"}, Feature{26, "sse2"},
    Feature{28, "ht"},
};
constexpr std::array extended_edx = {
    Feature{11, "syscall"}, Feature{20, "nx"}, Feature{26, "pdpe1gb"}, Feature{27, "rdtscp"}, Feature{29, "lm"},
};
constexpr std::array leaf1_ecx = {
    Feature{0, "pni"},     Feature{1, "pclmulqdq"},   Feature{3, "monitor"}, Feature{9, "ssse3"},
    Feature{12, "fma"},    Feature{13, "cx16"},       Feature{17, "pcid"},   Feature{19, "sse4_1"},
    Feature{20, "sse4_2"}, Feature{21, "x2apic"},     Feature{22, "movbe"},  Feature{23, "popcnt"},
    Feature{25, "aes"},    Feature{26, "xsave"},      Feature{28, "avx"},    Feature{29, "f16c"},
    Feature{30, "rdrand"}, Feature{31, "hypervisor"},
};
constexpr std::array leaf7_ebx = {
    Feature{0, "fsgsbase"}, Feature{3, "bmi1"},        Feature{5, "avx2"},    Feature{7, "smep"},
    Feature{8, "bmi2"},     Feature{9, "erms"},        Feature{18, "rdseed"}, Feature{19, "adx"},
    Feature{20, "smap"},    Feature{23, "clflushopt"}, Feature{24, "clwb"},   Feature{29, "sha_ni"},
};

void put_features(TextBuffer& text, std::uint32_t bits, std::span<Feature const> features) {
    for (auto const& feature : features) {
        if ((bits >> feature.bit & 1) != 0)
            text.put(' ').put(feature.name);
    }
}

std::string_view trimmed(std::span<char const> bytes) {
    std::string_view text(bytes.data(), bytes.size());
    text = text.substr(0, std::min(text.find('\0'), text.size()));
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    return text;
}

}  // namespace

void make_processors(TextBuffer& text) {
    auto const highest = read_leaf(0);
    std::array<char, 12> vendor;
    std::memcpy(std::span(vendor).subspan(0, 4).data(), &highest.b, 4);
    std::memcpy(std::span(vendor).subspan(4, 4).data(), &highest.d, 4);
    std::memcpy(std::span(vendor).subspan(8, 4).data(), &highest.c, 4);
    auto const basic = read_leaf(1);
    auto const extended = read_leaf(0x8000'0000).a >= 0x8000'0001 ? read_leaf(0x8000'0001) : Leaf{};
    auto const structured = highest.a >= 7 ? read_leaf(7) : Leaf{};
    std::array<char, 48> brand{};
    if (read_leaf(0x8000'0000).a >= 0x8000'0004) {
        for (std::uint32_t part = 0; part < 3; ++part) {
            auto const leaf = read_leaf(0x8000'0002 + part);
            std::memcpy(std::span(brand).subspan(part * 16, 16).data(), &leaf, 16);
        }
    }
    auto family = basic.a >> 8 & 0xf;
    auto model = basic.a >> 4 & 0xf;
    if (family == 6 || family == 15)
        model |= basic.a >> 12 & 0xf0;
    if (family == 15)
        family += basic.a >> 20 & 0xff;
    auto const mask = online_cpu_mask();
    auto const cpus = static_cast<unsigned>(std::popcount(mask));
    for (auto rest = mask; rest != 0; rest &= rest - 1) {
        auto const cpu = static_cast<unsigned>(std::countr_zero(rest));
        text.put("processor\t: ").put_decimal(cpu);
        text.put("\nvendor_id\t: ").put(trimmed(vendor));
        text.put("\ncpu family\t: ").put_decimal(family).put("\nmodel\t\t: ").put_decimal(model);
        text.put("\nmodel name\t: ").put(trimmed(brand)).put("\nstepping\t: ").put_decimal(basic.a & 0xf);
        text.put("\nphysical id\t: 0\nsiblings\t: ").put_decimal(cpus);
        text.put("\ncore id\t\t: ").put_decimal(cpu).put("\ncpu cores\t: ").put_decimal(cpus);
        text.put("\nfpu\t\t: yes\ncpuid level\t: ").put_decimal(highest.a).put("\nflags\t\t:");
        put_features(text, basic.d, leaf1_edx);
        put_features(text, extended.d, extended_edx);
        put_features(text, basic.c, leaf1_ecx);
        put_features(text, structured.b, leaf7_ebx);
        text.put("\nclflush size\t: ").put_decimal((basic.b >> 8 & 0xff) * 8).put("\n\n");
    }
}

}  // namespace astrata::linux_abi
