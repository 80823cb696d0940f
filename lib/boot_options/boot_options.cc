#include "lib/boot_options/boot_options.h"

#include <algorithm>
#include <charconv>

namespace astrata {

std::optional<std::string_view> boot_option(std::string_view command_line, std::string_view name) {
    std::optional<std::string_view> found;
    while (!command_line.empty()) {
        auto const word = command_line.substr(0, command_line.find_first_of(" \t\n"));
        command_line.remove_prefix(std::min(word.size() + 1, command_line.size()));
        if (word == name)
            found = std::string_view{};
        else if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=')
            found = word.substr(name.size() + 1);
    }
    return found;
}

std::string_view root_scheme(std::string_view command_line) {
    auto const root = boot_option(command_line, "root").value_or("");
    if (root.empty())
        return "archive";
    return root == "disk" ? "ext4" : root;
}

TerminalCells terminal_cells(std::string_view command_line) {
    auto const value = boot_option(command_line, "terminal").value_or("");
    auto const cross = value.find('x');
    if (cross == std::string_view::npos)
        return {};
    std::uint16_t columns = 0;
    std::uint16_t rows = 0;
    auto const [columns_end, columns_status] = std::from_chars(value.data(), value.substr(cross).data(), columns);
    auto const rows_text = value.substr(cross + 1);
    auto const [rows_end, rows_status] = std::from_chars(rows_text.begin(), rows_text.end(), rows);
    bool const is_valid = columns_status == std::errc{} && columns_end == value.substr(cross).data() &&
                          rows_status == std::errc{} && rows_end == rows_text.end() && columns != 0 && rows != 0;
    return is_valid ? TerminalCells{.columns = columns, .rows = rows} : TerminalCells{};
}

}  // namespace astrata
