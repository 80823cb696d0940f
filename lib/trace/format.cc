#include "lib/trace/format.h"

#include <algorithm>

#include "abi/system_call_traces.h"

namespace astrata::trace {

namespace {

std::string_view first_word(std::string_view& words) {
    auto const end = std::min(words.find(' '), words.size());
    auto const word = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    return word;
}

void append_field(TextBuilder& text, abi::TraceRecord const& record, abi::TraceField const& field) {
    auto const value = field.slot == 0 ? record.detail : record.words[field.slot - 1U];
    using Kind = abi::TraceFieldKind;
    switch (field.kind) {
    case Kind::u16:
    case Kind::u64:
    case Kind::object:
    case Kind::thread: text.append(value); return;
    case Kind::hex: text.append(Hex{value}); return;
    case Kind::system_call: append_call_name(text, value); return;
    case Kind::status: append_status(text, value); return;
    case Kind::text: {
        std::array<char, sizeof(record.words)> characters;
        text.append(abi::trace_text(std::span(record.words).subspan(field.slot - 1U, field.words), characters));
        return;
    }
    }
}

}  // namespace

void append_call_name(TextBuilder& text, std::uint64_t number) {
    if (number < abi::system_call_traces.size())
        text.append(abi::system_call_traces[number].name);
    else
        text.append("call_").append(number);
}

void append_status(TextBuilder& text, std::uint64_t status) {
    if (status == 0)
        text.append("ok");
    else if (status <= last_error)
        text.append(static_cast<Error>(status));
    else
        text.append(status);
}

void append_event(TextBuilder& text, abi::TraceRecord const& record) {
    auto const number = static_cast<std::size_t>(record.event);
    if (number == 0 || number >= abi::trace_events.size()) {
        text.append("event_").append(number);
        return;
    }
    if (record.event == abi::TraceEvent::system_call_enter) {
        append_call(text, record);
        return;
    }
    auto const& info = abi::trace_events[number];
    text.append(info.name);
    for (auto const& field : info.fields) {
        text.append(' ').append(field.name).append('=');
        append_field(text, record, field);
    }
}

void append_call(TextBuilder& text, abi::TraceRecord const& enter) {
    append_call_name(text, enter.detail);
    text.append('(');
    if (enter.detail < abi::system_call_traces.size()) {
        auto const& call = abi::system_call_traces[enter.detail];
        auto names = call.arguments;
        for (std::size_t i = 0; i < call.kinds.size() && i < enter.words.size(); ++i) {
            text.append(i == 0 ? "" : ", ").append(first_word(names)).append('=');
            if (call.kinds[i] == 'l' || call.kinds[i] == 'e')
                text.append(enter.words[i]);
            else
                text.append(Hex{enter.words[i]});
        }
    }
    text.append(')');
}

abi::TraceGroups groups_named(std::string_view names) {
    auto found = abi::TraceGroups::none;
    while (!names.empty()) {
        auto const end = std::min(names.find(','), names.size());
        auto const name = names.substr(0, end);
        names.remove_prefix(std::min(end + 1, names.size()));
        auto matching = abi::TraceGroups::none;
        for (auto const& [known, group] : abi::trace_groups) {
            if (name == known || name == "all")
                matching |= group;
        }
        if (matching == abi::TraceGroups::none)
            return matching;
        found |= matching;
    }
    return found;
}

}  // namespace astrata::trace
