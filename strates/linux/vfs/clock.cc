#include "strates/linux/vfs/clock.h"

#include "abi/system_calls.h"

namespace astrata::linux_abi {

std::int64_t file_clock_ns() {
    return static_cast<std::int64_t>(sys::clock_wall_ns());
}

}  // namespace astrata::linux_abi
