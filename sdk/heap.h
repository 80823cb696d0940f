// Dynamic memory that can run out. `operator new(std::nothrow)` gives null then, and so do Vector and make(); the plain
// operator new, which libc++ containers use, ends the process with a line in the log instead.
#pragma once

#include <memory>
#include <new>
#include <utility>

#include "lib/base/result.h"

namespace astrata::sdk {

/// errors    no_memory
template <typename T, typename... Arguments>
[[nodiscard]] Result<std::unique_ptr<T>> make(Arguments&&... arguments) {
    auto* const made = new (std::nothrow) T(std::forward<Arguments>(arguments)...);
    if (made == nullptr)
        return fail(Error::no_memory);
    return std::unique_ptr<T>(made);
}

struct HeapStatistics {
    std::size_t allocated_bytes = 0;  ///< of live allocations, rounded up to their size classes
    std::size_t mapped_bytes = 0;     ///< address space taken from Bedrock
};
HeapStatistics heap_statistics();

}  // namespace astrata::sdk
