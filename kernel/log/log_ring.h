// A bounded text log that keeps the newest bytes. Positions count bytes since the beginning, so that a reader notices
// what it missed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace astrata::kernel {

/// Not locked; the owner sees to that. Borrows its storage.
class LogRing {
public:
    explicit constexpr LogRing(std::span<char> storage) : storage_(storage) {}

    void append(std::string_view text) {
        for (char const character : text) {
            storage_[written_ % storage_.size()] = character;
            ++written_;
        }
    }

    struct ReadResult {
        std::uint64_t next;    ///< position to continue from
        std::size_t count;     ///< bytes copied
    };
    /// Copies text from `position` on, or from the oldest text that is still there.
    [[nodiscard]] ReadResult read(std::uint64_t position, std::span<char> into) const {
        auto const oldest = written_ > storage_.size() ? written_ - storage_.size() : 0;
        if (position < oldest)
            position = oldest;
        std::size_t count = 0;
        while (position < written_ && count < into.size()) {
            into[count++] = storage_[position % storage_.size()];
            ++position;
        }
        return {position, count};
    }
    [[nodiscard]] std::uint64_t written() const { return written_; }

private:
    std::span<char> storage_;
    std::uint64_t written_ = 0;
};

}  // namespace astrata::kernel
