// What the rest of the kernel does for memory management, played by the tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>

#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::kernel {

class AddressSpace;
class MemoryObject;

struct Fakes {
    std::set<AddressSpace const*> used_spaces;   // by the one CPU that there is
    std::atomic<std::uint64_t> flushes = 0;
    std::atomic<std::uint64_t> flushed_pages = 0;
    std::atomic<std::uint64_t> reaped = 0;  // objects whose last reference was left to the reaper
    std::function<void(VirtAddr, std::uint64_t)> on_flush;
    /// Called for each page request: object, key, first page, count.
    std::function<Result<>(MemoryObject&, std::uint64_t, std::uint64_t, std::uint64_t)> pager;
};
inline Fakes fakes;

}  // namespace astrata::kernel
