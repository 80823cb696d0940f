// What the devicetree says about the machine, as far as Bedrock itself needs it.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/boot/boot_info.h"
#include "kernel/mem/tlb.h"
#include "lib/devicetree/tree.h"

namespace astrata::kernel::arch {

enum class FirmwareCall : std::uint8_t { none, hypervisor, secure_monitor };

struct Machine {
    std::array<std::uint64_t, cpu_limit> processors{};  // affinities, as MPIDR_EL1 has them
    std::size_t processor_count = 0;
    FirmwareCall firmware_call = FirmwareCall::none;  // how PSCI is reached
    std::uint32_t timer_line = 27;                    // of the virtual timer
    devicetree::Region distributor;
    devicetree::Region interface;       // GICv2
    devicetree::Region redistributors;  // GICv3
    devicetree::Region translation;     // GICv3 ITS; length 0 if there is none
    devicetree::Region message_frame;   // GICv2m; length 0 if there is none
    bool has_redistributors = false;    // GICv3
    PhysAddr console;                   // a PL011; 0 if there is none
    std::array<std::uint64_t, 8> seed{};
};
extern Machine machine;

/// Reads it, and what Bedrock is told about memory, command line and boot archive. False if there is no devicetree at
/// the address, which the early page tables show.
[[nodiscard]] bool read_machine(PhysAddr address, BootInfo& info);

}  // namespace astrata::kernel::arch
