// Kernel mode's access to user pages, switched on and off (SMAP; Intel SDM volume 3, section 4.6).
#pragma once

namespace astrata::sdk {

inline void allow_user_pages() {
    asm volatile("stac" ::: "memory");
}

inline void forbid_user_pages() {
    asm volatile("clac" ::: "memory");
}

}  // namespace astrata::sdk
