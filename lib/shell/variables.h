// Shell variables, exported (handed to programs as their environment) or not, in bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/result.h"

namespace astrata::shell {

class Variables {
public:
    static constexpr std::size_t count_limit = 256;
    static constexpr std::size_t text_limit = std::size_t{32} * 1024;  // all names and values together

    struct Variable {
        std::string_view name;
        std::string_view value;
        bool is_exported = false;
    };

    [[nodiscard]] std::size_t count() const { return count_; }
    /// In alphabetical order; valid until the next change.
    [[nodiscard]] Variable at(std::size_t index) const;
    [[nodiscard]] std::optional<Variable> find(std::string_view name) const;

    /// Sets a variable; it stays exported if it was. `value` is not part of this object.
    /// errors    invalid_argument (not a name), no_resources (too many, or too much text)
    [[nodiscard]] Result<> set(std::string_view name, std::string_view value);
    /// errors    as set(); exporting a variable that is not set makes it an empty one
    [[nodiscard]] Result<> set_exported(std::string_view name);
    /// Returns whether it was set.
    bool remove(std::string_view name);

private:
    struct Entry {
        std::uint32_t offset = 0;  // of the name; the value follows
        std::uint32_t name_length = 0;
        std::uint32_t value_length = 0;
        bool is_exported = false;
    };
    [[nodiscard]] std::size_t lower_bound(std::string_view name) const;
    void remove_at(std::size_t index);

    std::array<char, text_limit> text_;
    std::array<Entry, count_limit> entries_;  // sorted by name; the texts lie in any order, without gaps
    std::size_t used_ = 0;
    std::size_t count_ = 0;
};

}  // namespace astrata::shell
