#include "kernel/arch/x86_64/features.h"

#include "arch/cpu.h"
#include "kernel/arch/x86_64/descriptor_tables.h"
#include "kernel/arch/x86_64/entry_patches.h"

extern "C" {
void syscall_entry();
void isolated_syscall_entry();
extern bool astrata_has_smap;   // read by user_copy.S
}

namespace astrata::kernel::arch {

constinit Features features;

namespace {

constexpr std::uint32_t msr_speculation_control = 0x48;   // IA32_SPEC_CTRL
constexpr std::uint32_t msr_arch_capabilities = 0x10a;   // IA32_ARCH_CAPABILITIES
constexpr std::uint64_t capability_no_meltdown = 1U << 0;   // RDCL_NO
constexpr std::uint64_t capability_enhanced_ibrs = 1U << 1;
constexpr std::uint32_t msr_efer = 0xc000'0080;
constexpr std::uint32_t msr_star = 0xc000'0081;
constexpr std::uint32_t msr_lstar = 0xc000'0082;
constexpr std::uint32_t msr_fmask = 0xc000'0084;

// CR4 (Intel SDM volume 3, section 2.5)
constexpr std::uint64_t cr4_global_pages = 1U << 7;
constexpr std::uint64_t cr4_umip = 1U << 11;
constexpr std::uint64_t cr4_fsgsbase = 1U << 16;
constexpr std::uint64_t cr4_osxsave = 1U << 18;
constexpr std::uint64_t cr4_smep = 1U << 20;
constexpr std::uint64_t cr4_smap = 1U << 21;

// Flags that a system call clears: trap, interrupt, direction, nested task, alignment check.
constexpr std::uint64_t syscall_flag_mask = 0x100 | 0x200 | 0x400 | 0x4000 | 0x40000;

constexpr std::uint64_t xcr0_x87_sse = 0x3;
constexpr std::uint64_t xcr0_avx = 0x4;

constexpr bool bit(std::uint32_t word, unsigned number) {
    return ((word >> number) & 1) != 0;
}

// AMD's processors, and those made by its plans, check permissions before they speculate.
bool is_made_by_amd() {
    constexpr std::uint32_t amd = 0x6874'7541, hygon = 0x6f67'7948;   // the first letters of their names
    auto const vendor = cpuid(0).ebx;
    return vendor == amd || vendor == hygon;
}

}  // namespace

void detect_features() {
    auto const highest = cpuid(0).eax;
    auto const basic = cpuid(1);
    features.has_x2apic = bit(basic.ecx, 21);
    features.has_tsc_deadline = bit(basic.ecx, 24);
    features.has_xsave = bit(basic.ecx, 26);
    features.has_avx = bit(basic.ecx, 28);
    features.has_rdrand = bit(basic.ecx, 30);
    if (highest >= 7) {
        auto const extended = cpuid(7);
        features.has_fsgsbase = bit(extended.ebx, 0);
        features.has_smep = bit(extended.ebx, 7);
        features.has_fast_movsb = bit(extended.ebx, 9);
        features.has_rdseed = bit(extended.ebx, 18);
        features.has_smap = bit(extended.ebx, 20);
        features.has_umip = bit(extended.ecx, 2);
        auto& speculation = features.speculation;
        speculation.has_branch_restriction = speculation.has_branch_barrier = bit(extended.edx, 26);
        speculation.has_thread_separation = bit(extended.edx, 27);
        speculation.has_store_bypass_disable = bit(extended.edx, 31);
        auto const capabilities = bit(extended.edx, 29) ? read_msr(msr_arch_capabilities) : 0;
        speculation.is_branch_restriction_enhanced = (capabilities & capability_enhanced_ibrs) != 0;
        speculation.leaks_kernel_memory = !is_made_by_amd() && (capabilities & capability_no_meltdown) == 0;
    }
    if (cpuid(0x8000'0000).eax >= 0x8000'0001)
        features.has_gigabyte_pages = bit(cpuid(0x8000'0001).edx, 26);
    if (features.has_xsave && highest >= 0xd) {
        features.vector_state_mask = cpuid(0xd).eax & (xcr0_x87_sse | (features.has_avx ? xcr0_avx : 0));
        features.has_xsaveopt = bit(cpuid(0xd, 1).eax, 0);
    }
}

void choose_protections(std::string_view command_line) {
    features.speculation_controls = speculation_controls(security_profile(command_line), features.speculation);
    features.isolates_page_tables = isolates_page_tables(command_line, features.speculation);
    if (features.isolates_page_tables)
        patch_for_isolation();
    if (features.speculation_controls.has_retpolines)
        patch_for_retpolines();
}

void enable_features() {
    auto cr4 = read_cr4();
    // Translations of the kernel half are not to stay around in user mode.
    if (features.isolates_page_tables)
        cr4 &= ~cr4_global_pages;
    cr4 |= (features.has_umip ? cr4_umip : 0) | (features.has_fsgsbase ? cr4_fsgsbase : 0) | (features.has_smep ? cr4_smep : 0) |
           (features.has_smap ? cr4_smap : 0) | (features.has_xsave ? cr4_osxsave : 0);
    write_cr4(cr4);
    astrata_has_smap = features.has_smap;
    if (features.has_xsave) {
        asm volatile("xsetbv" ::"c"(0), "a"(static_cast<std::uint32_t>(features.vector_state_mask)), "d"(0));
        features.vector_state_size = cpuid(0xd).ebx;
    }
    // sysret: user CS = base + 16, SS = base + 8; syscall: kernel CS = base, SS = base + 8.
    write_msr(msr_star, std::uint64_t{kernel_data_selector | 3} << 48 | std::uint64_t{kernel_code_selector} << 32);
    write_msr(msr_lstar, reinterpret_cast<std::uint64_t>(features.isolates_page_tables ? &isolated_syscall_entry : &syscall_entry));
    write_msr(msr_fmask, syscall_flag_mask);
    write_msr(msr_efer, read_msr(msr_efer) | 1);
    if (features.speculation_controls.control != 0)
        write_msr(msr_speculation_control, features.speculation_controls.control);
}

}  // namespace astrata::kernel::arch
