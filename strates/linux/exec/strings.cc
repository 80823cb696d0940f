#include "strates/linux/exec/strings.h"

#include <algorithm>
#include <array>

namespace astrata::linux_abi {

std::string_view ProgramStrings::first() const {
    auto all = packed();
    return all.substr(0, all.find('\0'));
}

LinuxResult<> ProgramStrings::check(std::size_t additional, std::uint64_t limit) const {
    constexpr std::size_t pointer = 8;
    if (additional > string_limit || bytes_.size() + additional + (count_ + 1) * pointer > limit)
        return fail(Errno::e2big);
    return {};
}

LinuxResult<> ProgramStrings::append(std::string_view text, std::uint64_t limit) {
    LTRY(check(text.size() + 1, limit));
    auto old_size = bytes_.size();
    LTRY(bytes_.resize(old_size + text.size() + 1));
    std::ranges::copy(text, bytes_.span().subspan(old_size).begin());
    bytes_.span().back() = '\0';
    ++count_;
    return {};
}

LinuxResult<> ProgramStrings::prepend(std::string_view text, std::uint64_t limit) {
    LTRY(append(text, limit));
    std::ranges::rotate(bytes_.span(), bytes_.span().end() - static_cast<std::ptrdiff_t>(text.size() + 1));
    return {};
}

void ProgramStrings::remove_first() {
    if (count_ == 0)
        return;
    auto removed = first().size() + 1;
    std::ranges::copy(bytes_.span().subspan(removed), bytes_.span().begin());
    static_cast<void>(bytes_.resize(bytes_.size() - removed));   // shrinking cannot fail
    --count_;
}

LinuxResult<> ProgramStrings::append_from_guest(GuestAddress vector, std::uint64_t limit) {
    if (vector.is_null())
        return {};
    for (;; vector = vector + 8) {
        auto address = GuestAddress{LTRY(read_guest<std::uint64_t>(vector))};
        if (address.is_null())
            return {};
        // By pieces: most strings are short, and the buffer grows only as far as they are long.
        std::array<char, 1024> piece;
        for (std::size_t length = 0;;) {
            LTRY(check(length + 1, limit));
            auto copied = copy_string_from_guest(piece, address + length);
            if (copied.has_value()) {
                LTRY(bytes_.append(std::span(piece).first(*copied)));
                LTRY(bytes_.push_back('\0'));
                break;
            }
            if (copied.error() != Errno::enametoolong)
                return fail(copied.error());
            LTRY(bytes_.append(piece));
            length += piece.size();
        }
        ++count_;
        LTRY(check(0, limit));
    }
}

}  // namespace astrata::linux_abi
