#include "apps/chevron/names/path.h"

#include <algorithm>
#include <span>

namespace astrata::chevron {

std::string_view take_component(std::string_view& path) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    auto const component = path.substr(0, path.find('/'));
    path.remove_prefix(component.size());
    return component;
}

bool is_within(std::string_view folder, std::string_view path) {
    if (folder == "/")
        return true;
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

Result<> Path::add(std::string_view component) {
    auto const slash = is_root() ? 0U : 1U;
    if (limit - size_ < component.size() + slash)
        return fail(Error::name_too_long);
    if (slash != 0) {
        text_[size_] = '/';
        ++size_;
    }
    std::ranges::copy(component, std::span(text_).subspan(size_).begin());
    size_ += component.size();
    return {};
}

Result<> Path::go(std::string_view path) {
    Path made = *this;
    if (path.starts_with('/'))
        made.clear();
    for (;;) {
        auto const component = take_component(path);
        if (component.empty())
            break;
        if (component == "..")
            made.go_up();
        else if (component != ".")
            TRY(made.add(component));
    }
    *this = made;
    return {};
}

void Path::go_up() {
    size_ = std::max<std::size_t>(1, view().rfind('/'));
}

std::string_view Path::parent() const {
    return view().substr(0, std::max<std::size_t>(1, view().rfind('/')));
}

}  // namespace astrata::chevron
