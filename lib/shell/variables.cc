#include "lib/shell/variables.h"

#include <algorithm>
#include <span>

#include "lib/shell/lexer.h"

namespace astrata::shell {

Variables::Variable Variables::at(std::size_t index) const {
    if (index >= count_)
        return {};
    auto const& entry = entries_[index];
    auto const text = std::string_view(text_.data(), used_).substr(entry.offset);
    return {.name = text.substr(0, entry.name_length),
            .value = text.substr(entry.name_length, entry.value_length),
            .is_exported = entry.is_exported};
}

std::size_t Variables::lower_bound(std::string_view name) const {
    std::size_t first = 0;
    auto last = count_;
    while (first < last) {
        auto const middle = (first + last) / 2;
        if (at(middle).name < name)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

std::optional<Variables::Variable> Variables::find(std::string_view name) const {
    auto const index = lower_bound(name);
    if (index == count_ || at(index).name != name)
        return std::nullopt;
    return at(index);
}

Result<> Variables::set(std::string_view name, std::string_view value) {
    if (!is_name(name))
        return fail(Error::invalid_argument);
    auto const old = find(name);
    auto const freed = old ? old->name.size() + old->value.size() : 0;
    bool const is_exported = old && old->is_exported;
    auto const room = text_limit - used_ + freed;
    if (name.size() > room || value.size() > room - name.size() || (!old && count_ == count_limit))
        return fail(Error::no_resources);
    auto const index = lower_bound(name);
    if (old)
        remove_at(index);
    auto const later = std::span(entries_).first(count_).subspan(index);
    std::ranges::copy_backward(later, std::span(entries_).first(count_ + 1).end());
    entries_[index] = {.offset = static_cast<std::uint32_t>(used_),
                       .name_length = static_cast<std::uint32_t>(name.size()),
                       .value_length = static_cast<std::uint32_t>(value.size()),
                       .is_exported = is_exported};
    ++count_;
    auto const place = std::span(text_).subspan(used_);
    std::ranges::copy(name, place.begin());
    std::ranges::copy(value, place.subspan(name.size()).begin());
    used_ += name.size() + value.size();
    return {};
}

Result<> Variables::set_exported(std::string_view name) {
    if (!find(name))
        TRY(set(name, {}));
    entries_[lower_bound(name)].is_exported = true;
    return {};
}

bool Variables::remove(std::string_view name) {
    if (!find(name))
        return false;
    remove_at(lower_bound(name));
    return true;
}

void Variables::remove_at(std::size_t index) {
    auto const gone = entries_[index];
    auto const size = gone.name_length + gone.value_length;
    auto const later = std::span(text_).first(used_).subspan(gone.offset + size);
    std::ranges::copy(later, std::span(text_).subspan(gone.offset).begin());
    used_ -= size;
    for (auto& entry : std::span(entries_).first(count_)) {
        if (entry.offset > gone.offset)
            entry.offset -= size;
    }
    std::ranges::copy(std::span(entries_).first(count_).subspan(index + 1), std::span(entries_).subspan(index).begin());
    --count_;
}

}  // namespace astrata::shell
