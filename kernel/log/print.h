// Kernel messages: print("text ", number, hex(address)) appends one line to the kernel log.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lib/base/units.h"

namespace astrata::kernel {

struct Hex {
    std::uint64_t value;
};
constexpr Hex hex(std::uint64_t value) {
    return {value};
}

/// Collects one line; what does not fit is cut off.
class LineBuilder {
public:
    void append(std::string_view text);
    void append(Hex number);
    void append(PhysAddr address) { append(hex(address.value)); }
    void append(VirtAddr address) { append(hex(address.value)); }
    void append(std::unsigned_integral auto number) { append_decimal(number); }
    void append(std::signed_integral auto number) {
        if (number < 0)
            append("-");
        append_decimal(number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number));
    }
    [[nodiscard]] std::string_view view() const { return {text_.data(), length_}; }

private:
    void append_decimal(std::uint64_t number);
    std::array<char, 240> text_;
    std::size_t length_ = 0;
};

/// "[seconds.microseconds] " of now, as every log line begins.
class LogTime {
public:
    LogTime();
    [[nodiscard]] std::string_view view() const { return line_.view(); }

private:
    LineBuilder line_;
};

/// Appends the line, with the time, to the kernel log; to the serial port too if the command line asked for it.
void log_line(std::string_view line);

template <typename... Parts>
void print(Parts const&... parts) {
    LineBuilder line;
    (line.append(parts), ...);
    log_line(line.view());
}

/// The same where the log may be in the middle of anything (a non-maskable interrupt): nothing, if somebody is writing to it.
void try_log_line(std::string_view line);
template <typename... Parts>
void try_print(Parts const&... parts) {
    LineBuilder line;
    (line.append(parts), ...);
    try_log_line(line.view());
}

/// From now on lines come out on the serial port whoever holds the log's lock: its holder may have been stopped.
void enter_panic_log();

/// Writes the line to the serial port if the kernel log is mirrored there: lines of other logs come out with it.
void mirror_line(std::string_view time, std::string_view line);

/// From now on every line also goes out on the first serial port, and what was logged before goes out now.
void mirror_log_to_serial();

}  // namespace astrata::kernel
