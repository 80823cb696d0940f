// Reaching a program's memory from the native code of its personality.
#pragma once

namespace astrata::sdk {

/// Set by the start-up code: this process is hosted in the kernel, on a processor that keeps kernel mode out of user
/// pages unless it asks (SMAP; Intel SDM volume 3, section 4.6).
extern bool foreign_memory_is_guarded;

/// While one of these lives, its thread may touch foreign memory. Around the copy itself, not more; no system calls
/// inside.
class ForeignMemoryAccess {
public:
    ForeignMemoryAccess() {
        if (foreign_memory_is_guarded)
            asm volatile("stac" ::: "memory");
    }
    ~ForeignMemoryAccess() {
        if (foreign_memory_is_guarded)
            asm volatile("clac" ::: "memory");
    }
    ForeignMemoryAccess(ForeignMemoryAccess const&) = delete;
    ForeignMemoryAccess& operator=(ForeignMemoryAccess const&) = delete;
};

}  // namespace astrata::sdk
