// Kernel mode's access to user pages, switched on and off (PAN; Arm ARM, section D8.4).
#pragma once

namespace astrata::sdk {

inline void allow_user_pages() {
    asm volatile(".arch_extension pan\n\tmsr pan, #0" ::: "memory");
}

inline void forbid_user_pages() {
    asm volatile(".arch_extension pan\n\tmsr pan, #1" ::: "memory");
}

}  // namespace astrata::sdk
