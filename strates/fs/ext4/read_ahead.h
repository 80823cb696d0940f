// Which pages to read when some are asked for.
#pragma once

#include <algorithm>
#include <cstdint>

namespace astrata::ext4_strate {

struct PageRun {
    std::uint64_t first = 0;
    std::uint64_t count = 0;

    [[nodiscard]] std::uint64_t end() const { return first + count; }
    [[nodiscard]] bool contains(PageRun const& other) const { return other.first >= first && other.end() <= end(); }
    bool operator==(PageRun const&) const = default;
};

/// Follows one file's page requests. Reading on where the last request ended doubles what is read at once; jumping
/// about goes back to a neighbourhood of the page, which is what starting a program wants.
class ReadAhead {
public:
    static constexpr std::uint64_t neighbourhood = 16;  // pages
    static constexpr std::uint64_t limit = 64;

    /// What to read for a request: at least its pages, cut to the file's `page_count`. `asked.first` is inside the
    /// file.
    PageRun on_request(PageRun asked, std::uint64_t page_count) {
        asked.count = std::min(asked.count, page_count - asked.first);
        is_sequential_ = asked.first != 0 && asked.first == next_;
        if (is_sequential_)
            window_ = std::min(limit, 2 * window_);
        else
            window_ = neighbourhood;
        // Neighbours in front are worth having only when a single page is touched, as a mapped program does.
        auto const first = is_sequential_ || asked.count > 1 ? asked.first : asked.first & ~(neighbourhood - 1);
        return run_from(first, std::max(asked.end(), first + window_), page_count);
    }
    /// After `run` was supplied, what is worth reading before it is asked for; nothing for files that are not read in
    /// order.
    PageRun on_supplied(PageRun run, std::uint64_t page_count) {
        next_ = run.end();
        if (!is_sequential_ || next_ >= page_count)
            return {};
        return run_from(next_, next_ + window_, page_count);
    }
    /// The request was for pages that on_supplied had named.
    void on_hit() {
        is_sequential_ = true;
        window_ = std::min(limit, 2 * window_);
    }

private:
    static PageRun run_from(std::uint64_t first, std::uint64_t end, std::uint64_t page_count) {
        return {.first = first, .count = std::min(end, page_count) - first};
    }

    std::uint64_t next_ = 0;
    std::uint64_t window_ = neighbourhood;
    bool is_sequential_ = false;
};

}  // namespace astrata::ext4_strate
