// Whatever a terminal sends, the editor keeps its bounds and its text stays well-formed.
#include <cstdlib>

#include "lib/base/bytes.h"
#include "lib/line_editor/line_editor.h"
#include "lib/line_editor/utf8.h"

namespace {

using namespace astrata::line_editor;

struct Sink : TerminalOutput {
    void write(std::string_view bytes) override { total += bytes.size(); }
    std::size_t total = 0;
};

struct Letters : Completer {
    void complete(std::string_view line, std::size_t cursor, Completions& completions) override {
        completions.reset(line.substr(0, cursor).find_last_of(' ') + 1);
        completions.add("letters", ' ');
        completions.add("let", '/');
        completions.add("l\xc3\xa4", 0);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0)
        return 0;
    std::string_view input(reinterpret_cast<char const*>(data), size);
    Sink sink;
    History history;
    Letters letters;
    LineEditor editor(sink, history, &letters);
    auto const columns = static_cast<unsigned char>(input.front());
    editor.begin("> ", columns);
    input.remove_prefix(1);
    while (!input.empty()) {
        auto const progress = editor.feed(input);
        if (progress.consumed == 0 || progress.consumed > input.size())
            std::abort();
        input.remove_prefix(progress.consumed);
        for (std::size_t index = 0; index < editor.line().size();) {
            auto const character = character_at(editor.line(), index);
            if (character.code_point == replacement_character && character.length == 1)
                std::abort();
            index += character.length;
        }
        if (progress.outcome != Outcome::editing) {
            history.add(editor.line());
            editor.begin("> ", columns);
        }
    }
    return 0;
}
