// A growing array with inline storage for at most N elements.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "lib/base/result.h"

namespace astrata {

/// Elements are default-constructible; those beyond size() are default-constructed ones.
template <typename T, std::size_t N>
class StaticVector {
public:
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] static constexpr std::size_t capacity() { return N; }
    [[nodiscard]] bool is_empty() const { return size_ == 0; }
    [[nodiscard]] bool is_full() const { return size_ == N; }

    [[nodiscard]] std::span<T> span() { return std::span<T>(elements_).first(size_); }
    [[nodiscard]] std::span<T const> span() const { return std::span<T const>(elements_).first(size_); }
    T& operator[](std::size_t position) { return span()[position]; }
    T const& operator[](std::size_t position) const { return span()[position]; }
    T& back() { return span().back(); }
    T const& back() const { return span().back(); }
    auto begin() { return span().begin(); }
    auto end() { return span().end(); }
    auto begin() const { return span().begin(); }
    auto end() const { return span().end(); }

    /// errors    no_resources (full)
    [[nodiscard]] Result<> push_back(T value) {
        if (is_full())
            return fail(Error::no_resources);
        elements_[size_++] = std::move(value);
        return {};
    }
    void pop_back() { span().back() = T{}, --size_; }
    void erase(std::size_t position) {
        for (std::size_t i = position; i + 1 < size_; ++i)
            (*this)[i] = std::move((*this)[i + 1]);
        pop_back();
    }
    void clear() {
        while (size_ != 0)
            pop_back();
    }

private:
    std::array<T, N> elements_{};
    std::size_t size_ = 0;
};

}  // namespace astrata
