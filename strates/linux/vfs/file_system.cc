#include "strates/linux/vfs/file_system.h"

#include <atomic>

#include "strates/linux/vfs/constants.h"

namespace astrata::linux_abi {

namespace {

std::atomic<std::uint32_t> next_minor = 1;

}  // namespace

FileSystem::FileSystem() : device_(device_number(0, next_minor.fetch_add(1, std::memory_order_relaxed))) {}

}  // namespace astrata::linux_abi
