#include "strates/linux/filesystems/overlay/memory_statistics.h"

#include <algorithm>

#include "strates/linux/process/system_information.h"

namespace astrata::linux_abi {

MemoryStatistics memory_statistics() {
    auto const memory = memory_information();
    if (!memory)
        return {};
    return {.total = memory->total, .free = memory->total - std::min(memory->total, memory->used)};
}

}  // namespace astrata::linux_abi
