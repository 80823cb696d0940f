// Lines in the strate's log: `log("no answer from ", name, " after ", milliseconds, " ms: ", error)`.
#pragma once

#include "lib/base/bytes.h"
#include "lib/containers/text_builder.h"

namespace astrata::sdk {

/// Longer lines are cut off.
inline constexpr std::size_t log_line_limit = 400;

/// Appends one line. Never fails: a log that cannot be written has nobody to tell.
void write_log_line(std::string_view line);

/// Text, integers, booleans, Hex{} and Errors, joined without separators.
template <typename... Arguments>
void log(Arguments const&... arguments) {
    TextBuffer<log_line_limit> line;
    (line.append(arguments), ...);
    write_log_line(line.view());
}

}  // namespace astrata::sdk
