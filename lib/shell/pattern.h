// File name patterns: `*`, `?`, `[a-z]`, `[!a-z]`, with a backslash before a character that stands for itself.
#pragma once

#include <string_view>

namespace astrata::shell {

/// Whether the whole name fits the pattern. An unclosed bracket stands for itself. Takes time proportional to the
/// product of the lengths at worst, and no recursion.
bool matches(std::string_view pattern, std::string_view name);

/// Whether an unescaped `*`, `?` or `[` occurs.
bool has_pattern(std::string_view pattern);

}  // namespace astrata::shell
