#include "apps/chevron/completer.h"

#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

// What the shell's language would take for something else.
bool needs_quoting(char character) {
    return std::string_view(" \t\\'\"$|&;<>()*?[]#").find(character) != std::string_view::npos;
}

Result<> append_quoted(String& text, std::string_view plain) {
    for (auto const character : plain) {
        if (needs_quoting(character))
            TRY(text.append('\\'));
        TRY(text.append(character));
    }
    return {};
}

Result<String> unquoted(std::string_view word) {
    String plain;
    for (std::size_t index = 0; index < word.size(); ++index) {
        if (word[index] == '\\' && index + 1 < word.size())
            ++index;
        TRY(plain.append(word[index]));
    }
    return plain;
}

}  // namespace

void Completer::complete(std::string_view line, std::size_t cursor, line_editor::Completions& completions) {
    auto const place = word_at(line, cursor);
    completions.reset(place.start);
    auto const word = line.substr(place.start, cursor - place.start);
    if (auto const dollar = word.rfind('$'); dollar != std::string_view::npos)
        return complete_variable(word.substr(dollar + 1), word.substr(0, dollar + 1), completions);
    if (place.is_command && !word.contains('/'))
        return complete_command(word, completions);
    if (place.is_command)
        return complete_path(word, false, completions);
    auto const* const command = find_command(place.command);
    if (command != nullptr && command->completes == Completes::verbs) {
        if (place.position != 0)
            return complete_strate(word, completions);
        for (auto rest = command->usage.substr(0, command->usage.find(' ')); !rest.empty();) {
            auto const verb = rest.substr(0, rest.find('|'));
            rest.remove_prefix(std::min(rest.size(), verb.size() + 1));
            if (verb.starts_with(word))
                completions.add(verb, ' ');
        }
        return;
    }
    complete_argument(command, word, completions);
}

void Completer::complete_argument(Command const* command, std::string_view word,
                                  line_editor::Completions& completions) {
    switch (command == nullptr ? Completes::paths : command->completes) {
    case Completes::nothing:
    case Completes::verbs: return;
    case Completes::paths: return complete_path(word, false, completions);
    case Completes::folders: return complete_path(word, true, completions);
    case Completes::commands: return complete_command(word, completions);
    case Completes::variables: return complete_variable(word, "", completions);
    case Completes::schemes: return complete_scheme(word, completions);
    case Completes::strates: return complete_strate(word, completions);
    }
}

void Completer::complete_command(std::string_view word, line_editor::Completions& completions) {
    for (auto const* command : all_commands()) {
        if (command->name.starts_with(word))
            completions.add(command->name, ' ');
    }
    complete_program(word, completions);
}

// Linux programs along PATH; an empty word would offer hundreds.
void Completer::complete_program(std::string_view word, line_editor::Completions& completions) {
    if (word.empty())
        return;
    auto search = shell_.with_variables([](shell::Variables const& variables) -> Result<String> {
        auto const path = variables.find("PATH");
        return String::from(path ? path->value : shell::default_search_path);
    });
    if (!search)
        return;
    for (auto rest = search->view(); !rest.empty();) {
        auto const folder = rest.substr(0, rest.find(':'));
        rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
        Path path;
        auto const found = path.go(folder) ? shell_.names().find(path) : fail(Error::not_found);
        if (!found)
            continue;
        (void)shell_.names().list(*found, [&](std::string_view name, abi::NodeKind kind) -> Result<> {
            if (kind != abi::NodeKind::directory && name.starts_with(word))
                completions.add(name, ' ');
            return {};
        });
    }
}

void Completer::complete_path(std::string_view word, bool folders_only, line_editor::Completions& completions) {
    auto const slash = word.rfind('/');
    auto const typed_folder = slash == std::string_view::npos ? std::string_view{} : word.substr(0, slash + 1);
    auto const folder_name = unquoted(typed_folder);
    auto const beginning = unquoted(word.substr(typed_folder.size()));
    if (!folder_name || !beginning)
        return;
    auto path = shell_.directory();
    auto const found = path.go(*folder_name) ? shell_.names().find(path) : fail(Error::not_found);
    if (!found)
        return;
    (void)shell_.names().list(*found, [&](std::string_view name, abi::NodeKind kind) -> Result<> {
        if (!name.starts_with(beginning->view()) || (name.starts_with('.') && beginning->is_empty()))
            return {};
        bool is_folder = kind == abi::NodeKind::directory;
        if (kind == abi::NodeKind::symbolic_link) {
            auto target = found->path;
            if (target.go(name))
                if (auto const followed = shell_.names().find(target); followed)
                    is_folder = followed->attributes.kind == abi::NodeKind::directory;
        }
        if (folders_only && !is_folder)
            return {};
        auto replacement = TRY(String::from(typed_folder));
        auto const prefix = replacement.size();
        TRY(append_quoted(replacement, name));
        completions.add(replacement, is_folder ? '/' : ' ', replacement.size() - prefix);
        return {};
    });
}

void Completer::complete_variable(std::string_view word, std::string_view prefix,
                                  line_editor::Completions& completions) {
    shell_.with_variables([&](shell::Variables const& variables) {
        for (std::size_t index = 0; index < variables.count(); ++index) {
            auto const name = variables.at(index).name;
            auto replacement = name.starts_with(word) ? String::from(prefix) : fail(Error::not_found);
            if (replacement && replacement->append(name))
                completions.add(*replacement, ' ', name.size());
        }
    });
}

void Completer::complete_scheme(std::string_view word, line_editor::Completions& completions) {
    for (std::uint32_t position = 0;; ++position) {
        auto const scheme = shell_.manager().scheme(position);
        if (!scheme)
            return;
        if (scheme->scheme.view().starts_with(word))
            completions.add(scheme->scheme.view(), ' ');
    }
}

void Completer::complete_strate(std::string_view word, line_editor::Completions& completions) {
    for (std::uint32_t position = 0;; ++position) {
        auto const instance = shell_.manager().instance(position);
        if (!instance)
            return;
        if (instance->name.view().starts_with(word))
            completions.add(instance->name.view(), ' ');
    }
}

}  // namespace astrata::chevron
