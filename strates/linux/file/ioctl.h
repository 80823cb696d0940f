// ioctl request numbers (asm-generic/ioctls.h, ioctl_tty(2)).
#pragma once

#include <cstdint>

namespace astrata::linux_abi::ioctl_request {

inline constexpr std::uint32_t get_termios = 0x5401;               // TCGETS
inline constexpr std::uint32_t set_termios = 0x5402;               // TCSETS
inline constexpr std::uint32_t set_termios_drain = 0x5403;         // TCSETSW
inline constexpr std::uint32_t set_termios_flush = 0x5404;         // TCSETSF
inline constexpr std::uint32_t get_termio = 0x5405;                // TCGETA
inline constexpr std::uint32_t set_termio = 0x5406;                // TCSETA
inline constexpr std::uint32_t set_termio_drain = 0x5407;          // TCSETAW
inline constexpr std::uint32_t set_termio_flush = 0x5408;          // TCSETAF
inline constexpr std::uint32_t send_break = 0x5409;                // TCSBRK
inline constexpr std::uint32_t flow_control = 0x540a;              // TCXONC
inline constexpr std::uint32_t flush = 0x540b;                     // TCFLSH
inline constexpr std::uint32_t exclusive = 0x540c;                 // TIOCEXCL
inline constexpr std::uint32_t not_exclusive = 0x540d;             // TIOCNXCL
inline constexpr std::uint32_t set_controlling_terminal = 0x540e;  // TIOCSCTTY
inline constexpr std::uint32_t get_foreground_group = 0x540f;      // TIOCGPGRP
inline constexpr std::uint32_t set_foreground_group = 0x5410;      // TIOCSPGRP
inline constexpr std::uint32_t output_bytes = 0x5411;              // TIOCOUTQ
inline constexpr std::uint32_t insert_input = 0x5412;              // TIOCSTI
inline constexpr std::uint32_t get_window_size = 0x5413;           // TIOCGWINSZ
inline constexpr std::uint32_t set_window_size = 0x5414;           // TIOCSWINSZ
inline constexpr std::uint32_t readable_bytes = 0x541b;            // FIONREAD
inline constexpr std::uint32_t packet_mode = 0x5420;               // TIOCPKT
inline constexpr std::uint32_t set_non_blocking = 0x5421;          // FIONBIO
inline constexpr std::uint32_t give_up_terminal = 0x5422;          // TIOCNOTTY
inline constexpr std::uint32_t set_discipline = 0x5423;            // TIOCSETD
inline constexpr std::uint32_t get_discipline = 0x5424;            // TIOCGETD
inline constexpr std::uint32_t send_break_timed = 0x5425;          // TCSBRKP
inline constexpr std::uint32_t get_session = 0x5429;               // TIOCGSID
inline constexpr std::uint32_t get_termios2 = 0x802c542a;          // TCGETS2
inline constexpr std::uint32_t set_termios2 = 0x402c542b;          // TCSETS2
inline constexpr std::uint32_t set_termios2_drain = 0x402c542c;    // TCSETSW2
inline constexpr std::uint32_t set_termios2_flush = 0x402c542d;    // TCSETSF2
inline constexpr std::uint32_t get_pty_number = 0x80045430;        // TIOCGPTN
inline constexpr std::uint32_t set_pty_lock = 0x40045431;          // TIOCSPTLCK
inline constexpr std::uint32_t get_pty_lock = 0x80045439;          // TIOCGPTLCK
inline constexpr std::uint32_t open_pty_peer = 0x5441;             // TIOCGPTPEER
inline constexpr std::uint32_t clear_close_on_exec = 0x5450;       // FIONCLEX
inline constexpr std::uint32_t set_close_on_exec = 0x5451;         // FIOCLEX
inline constexpr std::uint32_t set_async = 0x5452;                 // FIOASYNC
inline constexpr std::uint32_t file_bytes = 0x5460;                // FIOQSIZE
inline constexpr std::uint32_t console_keyboard_type = 0x4b33;     // KDGKBTYPE
inline constexpr std::uint32_t clone_file = 0x40049409;            // FICLONE
inline constexpr std::uint32_t get_flags = 0x80086601;             // FS_IOC_GETFLAGS
inline constexpr std::uint32_t random_entropy = 0x80045200;        // RNDGETENTCNT

}  // namespace astrata::linux_abi::ioctl_request
