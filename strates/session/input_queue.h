// What the host has sent as standard input and the program has not read yet, and where it ends.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/base/bytes.h"

namespace astrata::session {

/// Not synchronised: the owner's lock covers it.
class InputQueue {
public:
    static constexpr std::size_t capacity = std::size_t{64} * 1024;

    /// Room for what comes from the port next; empty while the queue is full, or at the end.
    [[nodiscard]] MutableBytes space() {
        if (is_at_end())
            return {};
        if (first_ == used_)
            first_ = used_ = 0;
        if (used_ == capacity && first_ != 0) {
            std::ranges::copy(std::span(bytes_).subspan(first_, used_ - first_), bytes_.begin());
            used_ -= first_;
            first_ = 0;
        }
        return std::span(bytes_).subspan(used_);
    }
    /// The first `count` bytes of space() have been filled in.
    void added(std::size_t count) {
        used_ += count;
        received_ += count;
    }

    /// Bytes for the program, at most `limit`; valid until the next call of space().
    [[nodiscard]] Bytes take(std::size_t limit) {
        auto const count = std::min(limit, used_ - first_);
        auto const taken = Bytes(bytes_).subspan(first_, count);
        first_ += count;
        return taken;
    }
    [[nodiscard]] bool is_empty() const { return first_ == used_; }

    /// After `total` bytes comes the end. What has been received beyond that was not input: it is dropped.
    void close_after(std::uint64_t total) {
        if (total_)
            return;
        total_ = std::max(total, received_ - (used_ - first_));
        if (received_ > *total_) {
            used_ -= static_cast<std::size_t>(received_ - *total_);
            received_ = *total_;
        }
    }
    /// The port itself has ended.
    void close_now() { close_after(received_); }
    /// Nothing more will be added.
    [[nodiscard]] bool is_at_end() const { return total_ && received_ >= *total_; }
    /// How much may still come, if that is known.
    [[nodiscard]] std::uint64_t outstanding() const { return total_ ? *total_ - received_ : ~std::uint64_t{0}; }

private:
    std::array<std::byte, capacity> bytes_;
    std::size_t first_ = 0;
    std::size_t used_ = 0;
    std::uint64_t received_ = 0;
    std::optional<std::uint64_t> total_;
};

}  // namespace astrata::session
