// Paths of the name space: always absolute inside, made of components without `.` and `..`.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "lib/base/result.h"

namespace astrata::chevron {

/// An absolute path in canonical form: "/", or "/a/b" without a slash at the end.
class Path {
public:
    static constexpr std::size_t limit = 4096;

    Path() { clear(); }
    [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }
    operator std::string_view() const { return view(); }
    [[nodiscard]] bool is_root() const { return size_ == 1; }
    void clear() {
        text_[0] = '/';
        size_ = 1;
    }

    /// Goes on from here along `path`: an absolute one starts anew, `..` goes up (and stays at the root).
    /// errors    name_too_long (the result), with the path unchanged
    [[nodiscard]] Result<> go(std::string_view path);
    /// The path without its last component; the root stays.
    void go_up();
    /// Everything after the last slash; empty for the root.
    [[nodiscard]] std::string_view last_component() const { return view().substr(view().rfind('/') + 1); }
    [[nodiscard]] std::string_view parent() const;

private:
    [[nodiscard]] Result<> add(std::string_view component);

    std::array<char, limit> text_;
    std::size_t size_ = 1;
};

/// Whether `path` is `folder` or lies below it; both canonical.
bool is_within(std::string_view folder, std::string_view path);

/// Cuts the first component off `path` (which may begin with slashes); empty at its end.
std::string_view take_component(std::string_view& path);

}  // namespace astrata::chevron
