// Words become arguments: variables are replaced, unquoted results split at blanks, patterns replaced by the paths they
// match.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "lib/base/result.h"
#include "lib/shell/arena.h"
#include "lib/shell/tree.h"

namespace astrata::shell {

/// Arguments in the making.
class FieldList {
public:
    explicit FieldList(Arena& arena) : arena_(arena) {}

    /// Adds a text that lives in the arena.
    /// errors    no_memory
    [[nodiscard]] Result<> add(std::string_view text);
    [[nodiscard]] std::size_t count() const { return count_; }
    /// errors    no_memory
    [[nodiscard]] Result<std::span<std::string_view>> collect() const;
    /// Puts the fields added after the first `sorted` into alphabetical order.
    [[nodiscard]] Result<> sort_from(std::size_t sorted);
    [[nodiscard]] Arena& arena() { return arena_; }

private:
    struct Field {
        std::string_view text;
        Field* next = nullptr;
    };
    Arena& arena_;
    Field* first_ = nullptr;
    Field* last_ = nullptr;
    std::size_t count_ = 0;
};

/// What expansion needs to know from outside.
class ExpansionSource {
public:
    virtual ~ExpansionSource() = default;
    /// The value, copied into the arena if it could change meanwhile; empty if there is no such variable.
    /// errors    no_memory
    virtual Result<std::string_view> variable(std::string_view name, Arena& arena) = 0;
    /// $?
    [[nodiscard]] virtual int status() const = 0;
    /// Adds the paths that match (see pattern.h). Adding none leaves the word as it is.
    virtual Result<> match_paths(std::string_view pattern, FieldList& fields) = 0;
};

/// The arguments that a list of words stands for.
/// errors    no_memory, and what match_paths fails with
[[nodiscard]] Result<std::span<std::string_view>> expand_words(Word const* words, ExpansionSource& source,
                                                               Arena& arena);

/// One word as one text, neither split nor taken as a pattern: the value of an assignment, a file to redirect to.
/// errors    no_memory
[[nodiscard]] Result<std::string_view> expand_single(Word const& word, ExpansionSource& source, Arena& arena);

}  // namespace astrata::shell
