// What the devicetree says about the machine, as far as Bedrock itself needs it.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/boot/boot_info.h"
#include "kernel/mem/tlb.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

struct Hart {
    std::uint32_t number = 0;
    std::uint32_t interrupt_controller = 0;  // its phandle
    std::uint32_t plic_context = ~std::uint32_t{0};
};

struct Machine {
    std::uint64_t counter_hz = 0;
    std::uint32_t boot_hart = 0;
    bool has_timer_compare = false;  // Sstc
    bool has_floats = false;         // F and D
    std::array<Hart, cpu_limit> harts{};
    std::size_t hart_count = 0;
    PhysAddr plic;
    std::uint64_t plic_length = 0;
    std::uint32_t plic_sources = 0;
    PhysAddr serial;  // a 16550; 0 if there is none
    unsigned serial_shift = 0;
    std::array<std::uint64_t, 4> seed{};
    std::size_t seed_words = 0;
};
extern Machine machine;

/// Reads it, and what Bedrock is told about memory, command line and boot archive.
/// errors    corrupt, out_of_range, not_supported (there is no devicetree at the address, or a strange one)
[[nodiscard]] Result<> read_machine(PhysAddr devicetree, BootInfo& info);

}  // namespace astrata::kernel::arch
