// Kernel mode's access to user pages, switched on and off (sstatus.SUM; RISC-V Privileged Architecture, section 12.1.1).
#pragma once

namespace astrata::sdk {

inline void allow_user_pages() {
    asm volatile("csrs sstatus, %0" : : "r"(1ul << 18) : "memory");
}

inline void forbid_user_pages() {
    asm volatile("csrc sstatus, %0" : : "r"(1ul << 18) : "memory");
}

}  // namespace astrata::sdk
