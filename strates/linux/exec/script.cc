#include "strates/linux/exec/script.h"

namespace astrata::linux_abi {

LinuxResult<std::optional<ScriptLine>> parse_script_line(std::string_view start) {
    if (!start.starts_with("#!"))
        return std::nullopt;
    constexpr std::string_view blanks = " \t";
    auto line = start.substr(2);
    auto end = line.find_first_of(std::string_view("\n\0", 2));
    bool is_whole = end != std::string_view::npos || start.size() < script_line_limit;
    line = line.substr(0, end);
    auto begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
        return fail(Errno::enoexec);
    line.remove_prefix(begin);
    auto name_end = line.find_first_of(blanks);
    // A name that was cut off would be another program's.
    if (name_end == std::string_view::npos && !is_whole)
        return fail(Errno::enoexec);
    ScriptLine result{.interpreter = line.substr(0, name_end)};
    if (name_end == std::string_view::npos)
        return result;
    line.remove_prefix(name_end);
    begin = line.find_first_not_of(blanks);
    if (begin != std::string_view::npos)
        result.argument = line.substr(begin, line.find_last_not_of(blanks) - begin + 1);
    return result;
}

}  // namespace astrata::linux_abi
