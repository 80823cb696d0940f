#include "lib/shell/program.h"

#include <algorithm>

namespace astrata::shell {

std::optional<std::string_view> ProgramSearch::next() {
    if (is_direct_) {
        if (std::exchange(is_finished_, true))
            return std::nullopt;
        return name_;
    }
    while (!is_finished_) {
        auto const colon = rest_.find(':');
        auto folder = rest_.substr(0, colon);
        if (colon == std::string_view::npos)
            is_finished_ = true;
        else
            rest_.remove_prefix(colon + 1);
        if (folder.empty())
            folder = ".";
        if (folder.size() + 1 + name_.size() > candidate_.size())
            continue;
        auto end = std::ranges::copy(folder, candidate_.begin()).out;
        if (!folder.ends_with('/'))
            end = std::ranges::copy(std::string_view("/"), end).out;
        end = std::ranges::copy(name_, end).out;
        return std::string_view(candidate_.begin(), end);
    }
    return std::nullopt;
}

Result<> ProgramParameters::Area::add(std::span<std::string_view const> parts) {
    auto const before = used;
    for (auto const part : parts) {
        if (part.contains('\0')) {
            used = before;
            return fail(Error::invalid_argument);
        }
        // One byte stays for the end.
        if (storage.size() - used < part.size() + 1) {
            used = before;
            return fail(Error::no_space);
        }
        std::ranges::copy(as_bytes(part), storage.subspan(used).begin());
        used += part.size();
    }
    if (used == storage.size()) {
        used = before;
        return fail(Error::no_space);
    }
    storage[used] = std::byte{0};
    ++used;
    return {};
}

Result<> ProgramParameters::set_directory(std::string_view directory) {
    if (directory.contains('\0'))
        return fail(Error::invalid_argument);
    if (directory.size() > directory_.size())
        return fail(Error::name_too_long);
    std::ranges::copy(directory, directory_.begin());
    directory_size_ = directory.size();
    return {};
}

Result<> ProgramParameters::add_argument(std::string_view argument) {
    TRY(arguments_.add(std::array{argument}));
    if (argument_count_ == 0)
        program_size_ = argument.size();
    ++argument_count_;
    return {};
}

Result<> ProgramParameters::add_environment(std::string_view entry) {
    return environment_.add(std::array{entry});
}

Result<> ProgramParameters::add_environment(std::string_view name, std::string_view value) {
    return environment_.add(std::array<std::string_view, 3>{name, "=", value});
}

std::optional<std::string_view> ProgramParameters::environment(std::string_view name) const {
    std::optional<std::string_view> found;
    for (auto rest = environment_.text(); !rest.empty();) {
        auto const entry = rest.substr(0, rest.find('\0'));
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
            found = entry.substr(name.size() + 1);
        rest.remove_prefix(entry.size() + 1);
    }
    return found;
}

}  // namespace astrata::shell
