// Terminal settings as Linux programs see them: struct termios of asm-generic/termbits.h and its bits, termios(3).
#pragma once

#include <array>
#include <cstdint>

namespace astrata::linux_abi {

/// Positions in Termios::control_characters.
enum class ControlCharacter : std::uint8_t {
    interrupt = 0,       ///< VINTR
    quit = 1,            ///< VQUIT
    erase = 2,           ///< VERASE
    kill = 3,            ///< VKILL
    end_of_file = 4,     ///< VEOF
    time = 5,            ///< VTIME
    minimum = 6,         ///< VMIN
    switch_ = 7,         ///< VSWTC
    start = 8,           ///< VSTART
    stop = 9,            ///< VSTOP
    suspend = 10,        ///< VSUSP
    end_of_line = 11,    ///< VEOL
    reprint = 12,        ///< VREPRINT
    discard = 13,        ///< VDISCARD
    word_erase = 14,     ///< VWERASE
    literal_next = 15,   ///< VLNEXT
    end_of_line_2 = 16,  ///< VEOL2
};

namespace input_mode {                                       // c_iflag
inline constexpr std::uint32_t ignore_break = 0x1;           // IGNBRK
inline constexpr std::uint32_t strip = 0x20;                 // ISTRIP
inline constexpr std::uint32_t newline_to_return = 0x40;     // INLCR
inline constexpr std::uint32_t ignore_return = 0x80;         // IGNCR
inline constexpr std::uint32_t return_to_newline = 0x100;    // ICRNL
inline constexpr std::uint32_t upper_to_lower = 0x200;       // IUCLC
inline constexpr std::uint32_t flow_control_output = 0x400;  // IXON
inline constexpr std::uint32_t any_restarts = 0x800;         // IXANY
inline constexpr std::uint32_t bell_when_full = 0x2000;      // IMAXBEL
inline constexpr std::uint32_t utf8 = 0x4000;                // IUTF8
}  // namespace input_mode

namespace output_mode {                                       // c_oflag
inline constexpr std::uint32_t process = 0x1;                 // OPOST
inline constexpr std::uint32_t lower_to_upper = 0x2;          // OLCUC
inline constexpr std::uint32_t newline_to_crlf = 0x4;         // ONLCR
inline constexpr std::uint32_t return_to_newline = 0x8;       // OCRNL
inline constexpr std::uint32_t no_return_at_column_0 = 0x10;  // ONOCR
inline constexpr std::uint32_t newline_returns = 0x20;        // ONLRET
inline constexpr std::uint32_t expand_tabs = 0x1800;          // XTABS (TAB3)
}  // namespace output_mode

namespace control_mode {                           // c_cflag
inline constexpr std::uint32_t speed_38400 = 0xf;  // B38400
inline constexpr std::uint32_t size_8 = 0x30;      // CS8
inline constexpr std::uint32_t read = 0x80;        // CREAD
inline constexpr std::uint32_t hang_up = 0x400;    // HUPCL
}  // namespace control_mode

namespace local_mode {                                   // c_lflag
inline constexpr std::uint32_t signals = 0x1;            // ISIG
inline constexpr std::uint32_t canonical = 0x2;          // ICANON
inline constexpr std::uint32_t echo = 0x8;               // ECHO
inline constexpr std::uint32_t echo_erase = 0x10;        // ECHOE
inline constexpr std::uint32_t echo_kill = 0x20;         // ECHOK
inline constexpr std::uint32_t echo_newline = 0x40;      // ECHONL
inline constexpr std::uint32_t no_flush = 0x80;          // NOFLSH
inline constexpr std::uint32_t stop_background = 0x100;  // TOSTOP
inline constexpr std::uint32_t echo_control = 0x200;     // ECHOCTL
inline constexpr std::uint32_t echo_print = 0x400;       // ECHOPRT
inline constexpr std::uint32_t echo_kill_erase = 0x800;  // ECHOKE
inline constexpr std::uint32_t extended = 0x8000;        // IEXTEN
}  // namespace local_mode

/// struct termios of TCGETS and TCSETS.
struct Termios {
    std::uint32_t input = input_mode::return_to_newline | input_mode::flow_control_output;
    std::uint32_t output = output_mode::process | output_mode::newline_to_crlf;
    std::uint32_t control =
        control_mode::speed_38400 | control_mode::size_8 | control_mode::read | control_mode::hang_up;
    std::uint32_t local = local_mode::signals | local_mode::canonical | local_mode::echo | local_mode::echo_erase |
                          local_mode::echo_kill | local_mode::echo_control | local_mode::echo_kill_erase |
                          local_mode::extended;
    std::uint8_t line = 0;  // N_TTY
    std::array<std::uint8_t, 19> control_characters = {3,  28, 127, 21, 4,  0,  1, 0, 17, 19,
                                                       26, 0,  18,  15, 23, 22, 0, 0, 0};

    [[nodiscard]] std::uint8_t operator[](ControlCharacter which) const {
        return control_characters[static_cast<std::uint8_t>(which)];
    }
};
static_assert(sizeof(Termios) == 36);

/// struct termios2 of TCGETS2 and TCSETS2: the same, and line speeds in bits per second.
struct Termios2 {
    Termios base;
    std::uint32_t input_speed = 38400;
    std::uint32_t output_speed = 38400;
};
static_assert(sizeof(Termios2) == 44);

/// struct winsize of TIOCGWINSZ.
struct WindowSize {
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
    std::uint16_t pixels_x = 0;
    std::uint16_t pixels_y = 0;
};

}  // namespace astrata::linux_abi
