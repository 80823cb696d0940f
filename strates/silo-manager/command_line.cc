#include "strates/silo-manager/command_line.h"

namespace astrata::silo_manager {

namespace {

bool parse_isolation(std::string_view value, CommandLine& line) {
    auto const colon = value.find(':');
    if (colon == value.npos || colon == 0 || colon >= manifest::Name{}.bytes.size())
        return false;
    auto const mode = value.substr(colon + 1);
    IsolationOverride made{.strate = manifest::Name::from(value.substr(0, colon))};
    if (mode == "user")
        made.mode = abi::IsolationMode::user;
    else if (mode == "kernel")
        made.mode = abi::IsolationMode::kernel;
    else if (mode == "wasm")
        made.mode = abi::IsolationMode::wasm;
    else
        return false;
    return line.isolation.push_back(made).has_value();
}

bool parse_word(std::string_view word, CommandLine& line) {
    if (word.starts_with("isolation="))
        return parse_isolation(word.substr(10), line);
    if (word.starts_with("session=")) {
        line.wants_host_session = word == "session=virtio";
        return line.wants_host_session || word == "session=console";
    }
    return true;  // somebody else's
}

}  // namespace

CommandLine CommandLine::parse(std::string_view text) {
    CommandLine line;
    while (!text.empty()) {
        auto const end = std::min(text.find(' '), text.size());
        auto const word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word.empty())
            continue;
        if (!parse_word(word, line))
            (void)line.mistakes.push_back(word);
        (void)line.words.push_back(word);  // more words than we keep concern nobody
    }
    return line;
}

}  // namespace astrata::silo_manager
