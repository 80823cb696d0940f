// A queue of bounded length in an array that is used round and round.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <type_traits>

#include "lib/containers/vector.h"

namespace astrata {

/// T is default-constructible. Push and pop never allocate.
template <typename T>
class RingBuffer {
public:
    RingBuffer() = default;
    /// errors    no_memory, invalid_argument (capacity 0)
    [[nodiscard]] static Result<RingBuffer> create(std::size_t capacity) {
        if (capacity == 0)
            return fail(Error::invalid_argument);
        RingBuffer made;
        TRY(made.slots_.resize(capacity));
        return made;
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t capacity() const { return slots_.size(); }
    [[nodiscard]] std::size_t space() const { return capacity() - size_; }
    [[nodiscard]] bool is_empty() const { return size_ == 0; }
    [[nodiscard]] bool is_full() const { return size_ == capacity(); }

    /// Counted from the oldest.
    T& operator[](std::size_t position) { return slots_[wrap(first_ + position)]; }
    T const& operator[](std::size_t position) const { return slots_[wrap(first_ + position)]; }
    T& front() { return (*this)[0]; }
    T& back() { return (*this)[size_ - 1]; }

    /// errors    would_block (full)
    [[nodiscard]] Result<> push_back(T value) {
        if (is_full())
            return fail(Error::would_block);
        slots_[wrap(first_ + size_)] = std::move(value);
        ++size_;
        return {};
    }
    /// errors    would_block (full)
    [[nodiscard]] Result<> push_front(T value) {
        if (is_full())
            return fail(Error::would_block);
        first_ = first_ == 0 ? capacity() - 1 : first_ - 1;
        slots_[first_] = std::move(value);
        ++size_;
        return {};
    }
    std::optional<T> pop_front() {
        if (is_empty())
            return {};
        std::optional<T> value = std::move(front());
        front() = T{};
        first_ = wrap(first_ + 1);
        --size_;
        return value;
    }
    void clear() {
        while (size_ != 0)
            (void)pop_front();
    }

    /// Appends as many values as there is room for.
    /// returns    how many
    std::size_t write(std::span<T const> values)
        requires std::is_trivially_copyable_v<T>
    {
        auto const count = std::min(values.size(), space());
        auto const end = wrap(first_ + size_);
        auto const until_wrap = std::min(count, capacity() - end);
        std::ranges::copy(values.first(until_wrap), slots_.span().subspan(end).begin());
        std::ranges::copy(values.subspan(until_wrap, count - until_wrap), slots_.span().begin());
        size_ += count;
        return count;
    }
    /// Takes the oldest values, as many as there are and fit.
    /// returns    how many
    std::size_t read(std::span<T> into)
        requires std::is_trivially_copyable_v<T>
    {
        auto const count = std::min(into.size(), size_);
        auto const until_wrap = std::min(count, capacity() - first_);
        std::ranges::copy(slots_.span().subspan(first_, until_wrap), into.begin());
        std::ranges::copy(slots_.span().first(count - until_wrap), into.subspan(until_wrap).begin());
        first_ = wrap(first_ + count);
        size_ -= count;
        return count;
    }

private:
    // Positions are at most twice the capacity.
    [[nodiscard]] std::size_t wrap(std::size_t position) const {
        return position >= capacity() && capacity() != 0 ? position - capacity() : position;
    }

    Vector<T> slots_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace astrata
