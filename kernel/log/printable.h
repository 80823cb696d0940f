// What may stand in a log line. Text from user space is in there, and must not look like lines of its own or like commands
// to the terminal.
#pragma once

#include <span>

namespace astrata::kernel {

/// Puts a question mark in the place of each control character but the tab.
constexpr void make_printable(std::span<char> text) {
    for (char& character : text) {
        auto const code = static_cast<unsigned char>(character);
        if ((code < ' ' && character != '\t') || code == 0x7f)
            character = '?';
    }
}

}  // namespace astrata::kernel
