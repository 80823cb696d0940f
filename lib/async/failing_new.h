// For tests: makes an allocation fail on demand. Included by exactly one source of a test program, since it defines the
// program's operator new and delete.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace astrata::async::testing {

/// Allocations with std::nothrow that still succeed; the one after them fails. Negative: none fails.
inline long allocations_until_failure = -1;

/// Fails the allocation after `count` others, as long as it lives.
class FailingNew {
public:
    explicit FailingNew(long count) { allocations_until_failure = count; }
    ~FailingNew() { allocations_until_failure = -1; }
    FailingNew(FailingNew const&) = delete;
    FailingNew& operator=(FailingNew const&) = delete;
    /// Whether the failing allocation has happened.
    [[nodiscard]] static bool has_failed() { return allocations_until_failure == -2; }
};

inline void* allocate_or_fail(std::size_t size) {
    if (allocations_until_failure == 0) {
        allocations_until_failure = -2;
        return nullptr;
    }
    if (allocations_until_failure > 0)
        --allocations_until_failure;
    return std::malloc(size == 0 ? 1 : size);
}

}  // namespace astrata::async::testing

void* operator new(std::size_t size) {
    return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size) {
    return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
    return astrata::async::testing::allocate_or_fail(size);
}
void* operator new[](std::size_t size, std::nothrow_t const&) noexcept {
    return astrata::async::testing::allocate_or_fail(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::nothrow_t const&) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::nothrow_t const&) noexcept {
    std::free(memory);
}
