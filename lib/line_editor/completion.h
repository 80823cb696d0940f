// What Tab offers: the editor asks, whoever knows the words answers.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace astrata::line_editor {

/// The candidates for one word. Bounded: what does not fit is counted but not kept.
class Completions {
public:
    static constexpr std::size_t candidate_limit = 512;
    static constexpr std::size_t text_limit = std::size_t{16} * 1024;

    /// Starts anew for the word that begins at byte `word_start` of the line.
    void reset(std::size_t word_start) {
        word_start_ = word_start;
        count_ = 0;
        used_ = 0;
        omitted_ = 0;
    }

    /// `replacement` takes the place of the whole word, `suffix` (a blank, a slash, or 0) follows a completed one.
    /// `shown` is how many of the replacement's last bytes the list shows (a path's last component). Equal candidates
    /// count once.
    void add(std::string_view replacement, char suffix, std::size_t shown) {
        for (std::size_t index = 0; index < count_; ++index) {
            if (candidate(index) == replacement)
                return;
        }
        if (count_ == candidate_limit || text_limit - used_ < replacement.size()) {
            ++omitted_;
            return;
        }
        std::ranges::copy(replacement, std::span(text_).subspan(used_).begin());
        entries_[count_] = {.offset = static_cast<std::uint32_t>(used_),
                            .length = static_cast<std::uint16_t>(replacement.size()),
                            .shown = static_cast<std::uint16_t>(std::min(shown, replacement.size())),
                            .suffix = suffix};
        ++count_;
        used_ += replacement.size();
    }
    void add(std::string_view replacement, char suffix) { add(replacement, suffix, replacement.size()); }

    [[nodiscard]] std::size_t word_start() const { return word_start_; }
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::size_t omitted() const { return omitted_; }
    [[nodiscard]] std::string_view candidate(std::size_t index) const {
        return std::string_view(text_.data(), used_).substr(entries_[index].offset, entries_[index].length);
    }
    [[nodiscard]] std::string_view shown(std::size_t index) const {
        auto const whole = candidate(index);
        return whole.substr(whole.size() - entries_[index].shown);
    }
    [[nodiscard]] char suffix(std::size_t index) const { return entries_[index].suffix; }

    /// Alphabetical, for the list.
    void sort() {
        std::ranges::sort(std::span(entries_).first(count_), [this](Entry const& left, Entry const& right) {
            auto const all = std::string_view(text_.data(), used_);
            return all.substr(left.offset, left.length) < all.substr(right.offset, right.length);
        });
    }

    /// The longest beginning that all candidates have in common; valid while the candidates are.
    [[nodiscard]] std::string_view common_prefix() const {
        if (count_ == 0)
            return {};
        auto common = candidate(0);
        for (std::size_t index = 1; index < count_; ++index) {
            auto const other = candidate(index);
            std::size_t same = 0;
            while (same < common.size() && same < other.size() && common[same] == other[same])
                ++same;
            // Never half a character.
            while (same > 0 && same < common.size() && (static_cast<unsigned char>(common[same]) & 0xc0) == 0x80)
                --same;
            common = common.substr(0, same);
        }
        return common;
    }

private:
    struct Entry {
        std::uint32_t offset = 0;
        std::uint16_t length = 0;
        std::uint16_t shown = 0;
        char suffix = 0;
    };
    std::array<char, text_limit> text_;
    std::array<Entry, candidate_limit> entries_;
    std::size_t word_start_ = 0;
    std::size_t count_ = 0;
    std::size_t used_ = 0;
    std::size_t omitted_ = 0;
};

class Completer {
public:
    virtual ~Completer() = default;
    /// Finds the word that ends at `cursor` and adds what it could become. The replacements are ready to be typed:
    /// quoted where the shell's language needs it.
    virtual void complete(std::string_view line, std::size_t cursor, Completions& completions) = 0;
};

}  // namespace astrata::line_editor
