// The host's side of the conversation on the `control` port (docs/run-protocol.md): lines of percent-encoded words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/shell/program.h"

namespace astrata::session {

inline constexpr std::size_t control_line_limit = std::size_t{1} << 20;

/// What a line asks for beyond filling in the parameters.
struct ControlEvent {
    enum class Kind : std::uint8_t { start, resize, input_closed, signal };
    Kind kind = Kind::start;
    std::uint64_t number = 0;   ///< input_closed: bytes before the end; signal: Linux number
    std::uint32_t columns = 0;  ///< resize
    std::uint32_t rows = 0;
};

struct TerminalSize {
    std::uint32_t columns = 0;
    std::uint32_t rows = 0;
};

/// Decodes percent-encoded text in place: the result lies at the beginning of `text`.
/// errors    invalid_argument (an escape that is not two hexadecimal digits)
Result<std::size_t> decode_word(std::span<char> text);

/// Appends the encoded form of `word`, byte by byte, through `put(char)`.
template <typename Put>
void encode_word(std::string_view word, Put put) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=:,+@";
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (auto const character : word) {
        if (plain.contains(character)) {
            put(character);
            continue;
        }
        auto const value = static_cast<unsigned char>(character);
        put('%');
        put(digits[value >> 4]);
        put(digits[value & 15]);
    }
}

class ControlProtocol {
public:
    /// Both are borrowed. `line_storage` bounds the length of a line; `parameters` collects command, directory and
    /// environment.
    ControlProtocol(MutableBytes line_storage, shell::ProgramParameters& parameters)
        : storage_(line_storage), parameters_(parameters) {}

    struct Progress {
        std::size_t consumed = 0;
        std::optional<ControlEvent> event;
        std::string_view problem;  ///< why the last line taken makes no sense; the conversation may go on after it
    };
    /// Takes bytes up to the end of the first line with an event or a problem, or all of them.
    Progress feed(Bytes bytes);

    [[nodiscard]] std::optional<TerminalSize> terminal() const { return terminal_; }
    [[nodiscard]] bool is_started() const { return is_started_; }

private:
    Result<std::optional<ControlEvent>> handle(std::span<char> line);
    Result<std::optional<ControlEvent>> handle_setting(std::string_view verb, std::span<char> words);
    Result<std::optional<ControlEvent>> handle_event(std::string_view verb, std::span<char> words);
    Result<> take_terminal(std::span<char> words);
    std::unexpected<Error> refuse(std::string_view problem) {
        problem_ = problem;
        return fail(Error::bad_message);
    }

    MutableBytes storage_;
    std::size_t used_ = 0;
    bool is_too_long_ = false;
    shell::ProgramParameters& parameters_;
    std::optional<TerminalSize> terminal_;
    bool is_started_ = false;
    std::string_view problem_;
};

}  // namespace astrata::session
