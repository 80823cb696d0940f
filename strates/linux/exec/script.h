// The first line of a script: #! interpreter [argument] (execve(2), Interpreter scripts).
#pragma once

#include <optional>
#include <string_view>

#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

struct ScriptLine {
    std::string_view interpreter;
    std::string_view argument;   ///< one, spaces inside included; empty: none
};

/// How much of a file decides what it is (BINPRM_BUF_SIZE).
inline constexpr std::size_t script_line_limit = 256;

/// start    the file's first bytes, at most script_line_limit
/// returns  nothing if the file is no script
/// errors   enoexec (no interpreter, or its name does not end within `start`)
[[nodiscard]] LinuxResult<std::optional<ScriptLine>> parse_script_line(std::string_view start);

}  // namespace astrata::linux_abi
