// A parsed command line with the memory that its tree lies in, shared by everything that it started.
#pragma once

#include <algorithm>
#include <string_view>

#include "apps/chevron/memory.h"
#include "lib/containers/string.h"
#include "lib/shell/parser.h"

namespace astrata::chevron {

class Script : public RefCounted<Script> {
public:
    static constexpr std::size_t tree_bytes = std::size_t{256} * 1024;

    explicit Script(HeapBytes storage) : storage_(std::move(storage)), arena_(storage_.span()) {}
    static void destroy(Script* script) { delete script; }

    /// errors    no_memory; invalid_argument (not in the language: `error` says why)
    [[nodiscard]] static Result<Ref<Script>> parse(std::string_view text, shell::SyntaxError& error) {
        auto storage = TRY(HeapBytes::create(tree_bytes));
        auto script = TRY(make_ref<Script>(std::move(storage)));
        TRY(script->text_.assign(text));
        shell::Parser parser(script->text_, script->arena_);
        auto const list = parser.parse();
        if (!list) {
            error = parser.error();
            // The token lies in the script's copy, which is about to go; ends have names of their own.
            if (error.near != "end of input" && error.near != "end of line")
                error.near = text.substr(std::min(error.position, text.size()), error.near.size());
            return fail(list.error());
        }
        script->list_ = *list;
        return script;
    }

    [[nodiscard]] shell::List const& list() const { return list_; }

private:
    HeapBytes storage_;
    shell::Arena arena_;
    String text_;
    shell::List list_;
};

}  // namespace astrata::chevron
