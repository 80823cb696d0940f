#include "strates/session/control_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace astrata::session {
namespace {

std::string_view as_view(std::span<char> text) {
    return {text.data(), text.size()};
}

std::optional<unsigned> hexadecimal(char digit) {
    if (digit >= '0' && digit <= '9')
        return static_cast<unsigned>(digit - '0');
    if (digit >= 'A' && digit <= 'F')
        return static_cast<unsigned>(digit - 'A' + 10);
    if (digit >= 'a' && digit <= 'f')
        return static_cast<unsigned>(digit - 'a' + 10);
    return std::nullopt;
}

// The next encoded word, cut off the front of `words`; words are preceded by one space each.
std::optional<std::span<char>> take_word(std::span<char>& words) {
    if (words.empty())
        return std::nullopt;
    words = words.subspan(1);
    auto const length = std::min(as_view(words).find(' '), words.size());
    auto const word = words.first(length);
    words = words.subspan(length);
    return word;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number = 0;
    auto const [end, status] = std::from_chars(text.begin(), text.end(), number);
    if (status != std::errc{} || end != text.end())
        return std::nullopt;
    return number;
}

// Exactly one number.
std::optional<std::uint64_t> only_number(std::span<char> words) {
    auto const word = take_word(words);
    return word && words.empty() ? parse_number<std::uint64_t>(as_view(*word)) : std::nullopt;
}

std::optional<TerminalSize> take_size(std::span<char>& words) {
    auto const columns = take_word(words);
    auto const rows = take_word(words);
    if (!columns || !rows)
        return std::nullopt;
    auto const columns_number = parse_number<std::uint16_t>(as_view(*columns));
    auto const rows_number = parse_number<std::uint16_t>(as_view(*rows));
    if (!columns_number || !rows_number)
        return std::nullopt;
    return TerminalSize{.columns = *columns_number, .rows = *rows_number};
}

// Names as kill(1) has them; a number stands for itself.
std::optional<std::uint64_t> signal_number(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 9> names = {{{"HUP", 1},
                                                                                  {"INT", 2},
                                                                                  {"QUIT", 3},
                                                                                  {"KILL", 9},
                                                                                  {"PIPE", 13},
                                                                                  {"TERM", 15},
                                                                                  {"CONT", 18},
                                                                                  {"STOP", 19},
                                                                                  {"TSTP", 20}}};
    for (auto const& [known, number] : names) {
        if (known == name)
            return number;
    }
    auto const number = parse_number<std::uint64_t>(name);
    return number && *number >= 1 && *number <= 64 ? number : std::nullopt;
}

}  // namespace

Result<std::size_t> decode_word(std::span<char> text) {
    std::size_t written = 0;
    for (std::size_t read = 0; read < text.size(); ++read) {
        auto character = text[read];
        if (character == '%') {
            if (text.size() - read < 3)
                return fail(Error::invalid_argument);
            auto const high = hexadecimal(text[read + 1]);
            auto const low = hexadecimal(text[read + 2]);
            if (!high || !low)
                return fail(Error::invalid_argument);
            character = static_cast<char>(*high << 4 | *low);
            read += 2;
        }
        text[written] = character;
        ++written;
    }
    return written;
}

ControlProtocol::Progress ControlProtocol::feed(Bytes bytes) {
    Progress progress;
    for (auto const byte : bytes) {
        ++progress.consumed;
        if (byte != std::byte{'\n'}) {
            // The rest of a line that is too long is passed over.
            if (used_ == storage_.size()) {
                is_too_long_ = true;
                continue;
            }
            storage_[used_] = byte;
            ++used_;
            continue;
        }
        auto const length = std::exchange(used_, 0);
        if (std::exchange(is_too_long_, false)) {
            progress.problem = "line too long";
            break;
        }
        // Bytes seen as characters of the same storage.
#pragma clang unsafe_buffer_usage begin
        std::span<char> const line(reinterpret_cast<char*>(storage_.data()), length);
#pragma clang unsafe_buffer_usage end
        auto const event = handle(line);
        if (!event)
            progress.problem = problem_;
        else
            progress.event = *event;
        if (!event || *event)
            break;
    }
    return progress;
}

Result<std::optional<ControlEvent>> ControlProtocol::handle(std::span<char> line) {
    auto const length = std::min(as_view(line).find(' '), line.size());
    auto const verb = as_view(line.first(length));
    auto const words = line.subspan(length);
    if (verb == "signal" || verb == "size" || verb == "stdin-closed")
        return handle_event(verb, words);
    if (is_started_)
        return refuse("unexpected line after go");
    return handle_setting(verb, words);
}

Result<std::optional<ControlEvent>> ControlProtocol::handle_event(std::string_view verb, std::span<char> words) {
    if (verb == "size") {
        auto const size = take_size(words);
        if (!size || !words.empty())
            return refuse("size needs two numbers");
        return ControlEvent{.kind = ControlEvent::Kind::resize, .columns = size->columns, .rows = size->rows};
    }
    if (verb == "stdin-closed") {
        auto const total = only_number(words);
        if (!total)
            return refuse("stdin-closed needs a number");
        return ControlEvent{.kind = ControlEvent::Kind::input_closed, .number = *total};
    }
    auto const name = take_word(words);
    auto const number = name ? signal_number(as_view(*name)) : std::nullopt;
    if (!number || !words.empty())
        return refuse("signal needs a signal");
    return ControlEvent{.kind = ControlEvent::Kind::signal, .number = *number};
}

Result<std::optional<ControlEvent>> ControlProtocol::handle_setting(std::string_view verb, std::span<char> words) {
    if (verb == "go") {
        if (!words.empty())
            return refuse("go takes no words");
        if (parameters_.argument_count() == 0)
            return refuse("go without a command");
        is_started_ = true;
        return ControlEvent{.kind = ControlEvent::Kind::start};
    }
    if (verb == "terminal") {
        TRY(take_terminal(words));
        return std::nullopt;
    }
    bool const is_command = verb == "command";
    if (!is_command && verb != "environment" && verb != "directory")
        return refuse("unknown verb");
    if (is_command && parameters_.argument_count() != 0)
        return refuse("a second command");
    std::size_t count = 0;
    for (; auto const word = take_word(words); ++count) {
        auto const length = decode_word(*word);
        if (!length)
            return refuse("bad escape");
        auto const text = as_view(word->first(*length));
        if (verb == "environment" && text.find('=') == std::string_view::npos)
            return refuse("environment needs NAME=VALUE");
        auto const added = is_command            ? parameters_.add_argument(text)
                           : verb == "directory" ? parameters_.set_directory(text)
                                                 : parameters_.add_environment(text);
        if (!added)
            return refuse(added.error() == Error::invalid_argument ? "a NUL byte"
                                                                   : "arguments and environment are too long");
    }
    if (count == 0 || (verb == "directory" && count != 1))
        return refuse(is_command ? "an empty command" : "wrong number of words");
    if (is_command && parameters_.program().empty())
        return refuse("the command's name is empty");
    return std::nullopt;
}

Result<> ControlProtocol::take_terminal(std::span<char> words) {
    auto const size = take_size(words);
    auto const type = take_word(words);
    if (!size || !type || !words.empty())
        return refuse("terminal needs two numbers and a type");
    auto const length = decode_word(*type);
    if (!length || !parameters_.add_environment("TERM", as_view(type->first(*length))))
        return refuse("bad terminal type");
    terminal_ = size;
    return {};
}

}  // namespace astrata::session
