// What the rest of the kernel does for memory management, played by the tests.
#pragma once

#include <cstdint>
#include <functional>

#include "lib/base/result.h"

namespace astrata::kernel {

class MemoryObject;

struct Fakes {
    std::uint64_t flushes = 0;
    std::uint64_t flushed_pages = 0;
    /// Called for each page request: object, key, first page, count.
    std::function<Result<>(MemoryObject&, std::uint64_t, std::uint64_t, std::uint64_t)> pager;
};
inline Fakes fakes;

}  // namespace astrata::kernel
