// An array on the heap whose allocation can fail and whose elements stay where they are: unlike Vector, for types that
// cannot be moved.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "lib/base/result.h"

namespace astrata::ext4 {

template <typename T>
class HeapArray {
public:
    HeapArray() = default;

    /// `count` value-initialised elements.
    /// errors    no_memory
    static Result<HeapArray> create(std::size_t count) {
        HeapArray array;
        if (count > static_cast<std::size_t>(-1) / 2 / sizeof(T))
            return fail(Error::no_memory);
        array.elements_.reset(new (std::nothrow) T[count]());
        if (array.elements_ == nullptr)
            return fail(Error::no_memory);
        array.count_ = count;
        return array;
    }

    HeapArray(HeapArray&& other) noexcept
        : elements_(std::move(other.elements_)), count_(std::exchange(other.count_, 0)) {}
    HeapArray& operator=(HeapArray&& other) noexcept {
        std::swap(elements_, other.elements_);
        std::swap(count_, other.count_);
        return *this;
    }

    [[nodiscard]] bool is_empty() const { return count_ == 0; }
#pragma clang unsafe_buffer_usage begin  // the one place that joins the pointer and the count that belong together
    [[nodiscard]] std::span<T> span() { return {elements_.get(), count_}; }
    [[nodiscard]] std::span<T const> span() const { return {elements_.get(), count_}; }
#pragma clang unsafe_buffer_usage end

private:
    std::unique_ptr<T[]> elements_;
    std::size_t count_ = 0;
};

}  // namespace astrata::ext4
