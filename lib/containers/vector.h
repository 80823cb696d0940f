// A growing array whose growth can fail.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "lib/base/result.h"

namespace astrata {

template <typename T>
class Vector {
public:
    Vector() = default;
    Vector(Vector&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    Vector& operator=(Vector&& other) noexcept {
        if (this != &other) {
            release();
            data_ = std::exchange(other.data_, nullptr);
            size_ = std::exchange(other.size_, 0);
            capacity_ = std::exchange(other.capacity_, 0);
        }
        return *this;
    }
    ~Vector() { release(); }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    [[nodiscard]] bool is_empty() const { return size_ == 0; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

// The one place where elements' addresses are computed; everything else goes through spans, which are checked.
#pragma clang unsafe_buffer_usage begin
    [[nodiscard]] std::span<T> span() { return {data_, size_}; }
    [[nodiscard]] std::span<T const> span() const { return {data_, size_}; }
#pragma clang unsafe_buffer_usage end

    T& operator[](std::size_t position) { return span()[position]; }
    T const& operator[](std::size_t position) const { return span()[position]; }
    T& front() { return span().front(); }
    T& back() { return span().back(); }
    T const& front() const { return span().front(); }
    T const& back() const { return span().back(); }
    auto begin() { return span().begin(); }
    auto end() { return span().end(); }
    auto begin() const { return span().begin(); }
    auto end() const { return span().end(); }

    /// Makes room for `capacity` elements in all.
    /// errors    no_memory
    [[nodiscard]] Result<> reserve(std::size_t capacity) {
        if (capacity <= capacity_)
            return {};
        if (capacity > ~std::size_t{0} / 2 / sizeof(T))
            return fail(Error::no_memory);
        T* const grown = static_cast<T*>(allocate(capacity * sizeof(T)));
        if (grown == nullptr)
            return fail(Error::no_memory);
        for (std::size_t i = 0; i != size_; ++i) {
            std::construct_at(slot(grown, i), std::move(*slot(data_, i)));
            std::destroy_at(slot(data_, i));
        }
        deallocate(data_);
        data_ = grown;
        capacity_ = capacity;
        return {};
    }

    /// errors    no_memory
    [[nodiscard]] Result<> push_back(T value) {
        TRY(grow_for(1));
        std::construct_at(slot(data_, size_), std::move(value));
        ++size_;
        return {};
    }

    /// errors    no_memory, with nothing appended
    [[nodiscard]] Result<> append(std::span<T const> values) {
        TRY(grow_for(values.size()));
        for (T const& value : values) {
            std::construct_at(slot(data_, size_), value);
            ++size_;
        }
        return {};
    }

    /// Inserts before `position`, which is at most size().
    /// errors    no_memory
    [[nodiscard]] Result<> insert(std::size_t position, T value) {
        TRY(push_back(std::move(value)));
        for (std::size_t i = size_ - 1; i > position; --i)
            std::swap((*this)[i], (*this)[i - 1]);
        return {};
    }

    /// New elements are value-initialised.
    /// errors    no_memory
    [[nodiscard]] Result<> resize(std::size_t size) {
        if (size > size_)
            TRY(grow_for(size - size_));
        while (size_ > size)
            pop_back();
        while (size_ < size) {
            std::construct_at(slot(data_, size_));
            ++size_;
        }
        return {};
    }

    void pop_back() {
        std::destroy_at(&back());
        --size_;
    }
    /// Removes the element, keeping the order of the rest.
    void erase(std::size_t position) {
        for (std::size_t i = position; i + 1 < size_; ++i)
            (*this)[i] = std::move((*this)[i + 1]);
        pop_back();
    }
    /// Removes the element by putting the last one in its place.
    void erase_unordered(std::size_t position) {
        if (position + 1 != size_)
            (*this)[position] = std::move(back());
        pop_back();
    }
    /// Keeps the capacity.
    void clear() {
        while (size_ != 0)
            pop_back();
    }

private:
#pragma clang unsafe_buffer_usage begin
    static T* slot(T* data, std::size_t position) { return data + position; }
#pragma clang unsafe_buffer_usage end
    static void* allocate(std::size_t bytes) {
        if constexpr (alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
            return ::operator new(bytes, std::align_val_t{alignof(T)}, std::nothrow);
        else
            return ::operator new(bytes, std::nothrow);
    }
    static void deallocate(T* data) {
        if constexpr (alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
            ::operator delete(data, std::align_val_t{alignof(T)});
        else
            ::operator delete(data);
    }
    [[nodiscard]] Result<> grow_for(std::size_t more) {
        if (capacity_ - size_ >= more)
            return {};
        if (more > ~std::size_t{0} / 4 / sizeof(T))
            return fail(Error::no_memory);
        auto const doubled = capacity_ == 0 ? std::size_t{4} : capacity_ * 2;
        return reserve(doubled < size_ + more ? size_ + more : doubled);
    }
    void release() {
        clear();
        deallocate(data_);
        data_ = nullptr;
        capacity_ = 0;
    }

    T* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace astrata
