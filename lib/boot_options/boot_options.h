// Words of Bedrock's command line: NAME=VALUE or NAME, separated by blanks; of equal names the last one counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace astrata {

/// The value of `name`; empty for a bare word.
std::optional<std::string_view> boot_option(std::string_view command_line, std::string_view name);

/// The scheme of the root file system that `root=` names: the built-in one by default.
std::string_view root_scheme(std::string_view command_line);

struct TerminalCells {
    std::uint32_t columns = 0;
    std::uint32_t rows = 0;
};
/// `terminal=COLUMNSxROWS`; zeros when it is absent or makes no sense.
TerminalCells terminal_cells(std::string_view command_line);

}  // namespace astrata
