// An array on the heap whose allocation can fail: for sizes that come from outside.
#pragma once

#include <algorithm>
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

/// A HeapArray that elements can be appended to.
template <typename T>
class GrowableArray {
public:
    [[nodiscard]] std::span<T> span() { return storage_.span().first(count_); }
    [[nodiscard]] std::span<T const> span() const { return storage_.span().first(count_); }
    [[nodiscard]] std::size_t size() const { return count_; }

    /// errors    no_memory (the array is unchanged)
    [[nodiscard]] Result<> append(T value) {
        auto const capacity = storage_.span().size();
        if (count_ == capacity) {
            auto larger = TRY(HeapArray<T>::create(capacity == 0 ? 16 : 2 * capacity));
            std::ranges::move(storage_.span(), larger.span().begin());
            storage_ = std::move(larger);
        }
        storage_.span()[count_++] = std::move(value);
        return {};
    }
    /// Drops all elements from the `count`th on.
    void truncate(std::size_t count) {
        if (count < count_)
            count_ = count;
    }

private:
    HeapArray<T> storage_;
    std::size_t count_ = 0;
};

}  // namespace astrata::ext4
