#include "apps/chevron/run/paths.h"

#include "lib/shell/pattern.h"

namespace astrata::chevron {
namespace {

constexpr std::size_t match_limit = 4096;

Result<> append_unescaped(String& text, std::string_view component) {
    for (std::size_t index = 0; index < component.size(); ++index) {
        if (component[index] == '\\' && index + 1 < component.size())
            ++index;
        TRY(text.append(component[index]));
    }
    return {};
}

// Adds to `next` what one component makes of the path `prefix`.
Result<> match_component(NameSpace& names, Path const& directory, String const& prefix, std::string_view component,
                         bool is_last, Vector<String>& next) {
    Path path = directory;
    if (!prefix.is_empty() && !path.go(prefix))
        return {};
    auto const add = [&](std::string_view name) -> Result<> {
        if (next.size() == match_limit)
            return fail(Error::no_resources);
        auto made = TRY(prefix.clone());
        TRY(made.append(name));
        if (!is_last)
            TRY(made.append('/'));
        return next.push_back(std::move(made));
    };
    if (!shell::has_pattern(component)) {
        String plain;
        TRY(append_unescaped(plain, component));
        if (!path.go(plain) || !names.find(path, LastLink::keep))
            return {};
        return add(plain);
    }
    auto const folder = names.find(path);
    if (!folder)
        return {};
    auto const listed = names.list(*folder, [&](std::string_view name, abi::NodeKind) -> Result<> {
        if (name.starts_with('.') && !component.starts_with('.'))
            return {};
        return shell::matches(component, name) ? add(name) : Result<>();
    });
    if (!listed && (listed.error() == Error::no_memory || listed.error() == Error::no_resources))
        return fail(listed.error());
    return {};
}

}  // namespace

Result<> add_matching_paths(NameSpace& names, Path const& directory, std::string_view pattern,
                            shell::FieldList& fields) {
    Vector<String> found;
    auto start = TRY(String::from(pattern.starts_with('/') ? "/" : ""));
    TRY(found.push_back(std::move(start)));
    while (!pattern.empty()) {
        auto const component = take_component(pattern);
        if (component.empty())
            break;
        bool const is_last = pattern.find_first_not_of('/') == std::string_view::npos;
        Vector<String> next;
        for (auto const& prefix : found)
            TRY(match_component(names, directory, prefix, component, is_last, next));
        found = std::move(next);
    }
    for (auto const& path : found) {
        auto const text = TRY(fields.arena().copy(path));
        TRY(fields.add(text));
    }
    return {};
}

}  // namespace astrata::chevron
