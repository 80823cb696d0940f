#include "lib/shell/expansion.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "lib/shell/pattern.h"

namespace astrata::shell {
namespace {

// A part with its value in place of the variable.
struct Resolved {
    std::string_view text;
    bool is_quoted = false;
    bool is_value = false;  // only values are split
    Resolved* next = nullptr;
};

bool is_blank(char character) {
    return character == ' ' || character == '\t' || character == '\n';
}

bool is_special(char character) {
    return character == '*' || character == '?' || character == '[' || character == ']' || character == '\\';
}

Result<std::string_view> value_of(WordPart const& part, ExpansionSource& source, Arena& arena) {
    switch (part.kind) {
    case PartKind::literal: return part.text;
    case PartKind::variable: return source.variable(part.text, arena);
    case PartKind::status: break;
    }
    std::array<char, 16> digits;
    auto const end = std::to_chars(digits.begin(), digits.end(), source.status()).ptr;
    return arena.copy({digits.begin(), end});
}

Result<Resolved*> resolve(Word const& word, ExpansionSource& source, Arena& arena) {
    Resolved* first = nullptr;
    Resolved** tail = &first;
    for (auto const* part = word.parts; part != nullptr; part = part->next) {
        auto const text = TRY(value_of(*part, source, arena));
        *tail = TRY(arena.make<Resolved>(text, part->is_quoted, part->kind != PartKind::literal, nullptr));
        tail = &(*tail)->next;
    }
    return first;
}

// Makes the fields of one word.
class WordExpander {
public:
    WordExpander(FieldList& fields, ExpansionSource& source, bool may_match)
        : fields_(fields), source_(source), text_(fields.arena()), may_match_(may_match) {}

    Result<> add(Resolved const& part) {
        if (part.is_quoted)
            is_field_ = true;
        for (auto const character : part.text) {
            if (part.is_value && !part.is_quoted && is_blank(character)) {
                TRY(finish());
                continue;
            }
            is_field_ = true;
            // While a pattern is possible, what is quoted carries a backslash.
            if (may_match_ && (part.is_quoted ? is_special(character) : character == '\\'))
                TRY(text_.append('\\'));
            TRY(text_.append(character));
        }
        return {};
    }

    Result<> finish() {
        if (!is_field_)
            return {};
        auto const text = text_.view();
        text_.restart();
        is_field_ = false;
        if (!may_match_)
            return fields_.add(text);
        if (has_pattern(text)) {
            auto const before = fields_.count();
            TRY(source_.match_paths(text, fields_));
            if (fields_.count() != before)
                return fields_.sort_from(before);
        }
        ArenaText plain(fields_.arena());
        for (std::size_t index = 0; index < text.size(); ++index) {
            if (text[index] == '\\' && index + 1 < text.size())
                ++index;
            TRY(plain.append(text[index]));
        }
        return fields_.add(plain.view());
    }

private:
    FieldList& fields_;
    ExpansionSource& source_;
    ArenaText text_;
    bool may_match_;
    bool is_field_ = false;  // even an empty one, if something was quoted
};

}  // namespace

Result<> FieldList::add(std::string_view text) {
    auto* const field = TRY(arena_.make<Field>(text, nullptr));
    (last_ == nullptr ? first_ : last_->next) = field;
    last_ = field;
    ++count_;
    return {};
}

Result<std::span<std::string_view>> FieldList::collect() const {
    auto const all = TRY(arena_.make_array<std::string_view>(count_));
    auto* field = first_;
    for (auto& text : all) {
        text = field->text;
        field = field->next;
    }
    return all;
}

Result<> FieldList::sort_from(std::size_t sorted) {
    ArenaScope scope(arena_);
    auto const all = TRY(collect());
    std::ranges::sort(all.subspan(sorted), [](std::string_view left, std::string_view right) { return left < right; });
    auto* field = first_;
    for (auto const text : all) {
        field->text = text;
        field = field->next;
    }
    return {};
}

Result<std::span<std::string_view>> expand_words(Word const* words, ExpansionSource& source, Arena& arena) {
    FieldList fields(arena);
    for (auto const* word = words; word != nullptr; word = word->next) {
        auto* const parts = TRY(resolve(*word, source, arena));
        bool may_match = false;
        for (auto const* part = parts; part != nullptr; part = part->next) {
            if (!part->is_quoted && part->text.find_first_of("*?[") != std::string_view::npos)
                may_match = true;
        }
        WordExpander expander(fields, source, may_match);
        for (auto const* part = parts; part != nullptr; part = part->next)
            TRY(expander.add(*part));
        TRY(expander.finish());
    }
    return fields.collect();
}

Result<std::string_view> expand_single(Word const& word, ExpansionSource& source, Arena& arena) {
    auto* const parts = TRY(resolve(word, source, arena));
    ArenaText text(arena);
    for (auto const* part = parts; part != nullptr; part = part->next)
        TRY(text.append(part->text));
    return text.view();
}

}  // namespace astrata::shell
