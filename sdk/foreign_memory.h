// Reaching a program's memory from the native code of its personality.
#pragma once

#include "machine/foreign_memory.h"

namespace astrata::sdk {

/// Set by the start-up code: this process is hosted in the kernel, on a processor that keeps kernel mode out of user
/// pages unless it asks.
extern bool foreign_memory_is_guarded;

/// While one of these lives, its thread may touch foreign memory. Around the copy itself, not more; no system calls
/// inside.
class ForeignMemoryAccess {
public:
    ForeignMemoryAccess() {
        if (foreign_memory_is_guarded)
            allow_user_pages();
    }
    ~ForeignMemoryAccess() {
        if (foreign_memory_is_guarded)
            forbid_user_pages();
    }
    ForeignMemoryAccess(ForeignMemoryAccess const&) = delete;
    ForeignMemoryAccess& operator=(ForeignMemoryAccess const&) = delete;
};

}  // namespace astrata::sdk
