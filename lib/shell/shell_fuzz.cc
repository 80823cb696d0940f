// Any text parses or is refused with a position inside it, and what parses runs to its end within bounds.
#include <cstdlib>

#include "lib/base/bytes.h"
#include "lib/shell/pattern.h"
#include "lib/shell/shell_test_support.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace astrata::shell;
    static std::vector<std::byte> storage(64 * 1024);
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    Arena arena(storage);
    Parser parser(text, arena);
    auto const list = parser.parse();
    if (!list) {
        if (list.error() == astrata::Error::invalid_argument &&
            (parser.error().message.empty() || parser.error().position > size))
            std::abort();
        return 0;
    }
    auto runner = std::make_unique<TestRunner>(arena);
    runner->step_limit = 200;
    Executor executor(*runner, arena);
    executor.run(*list);
    matches(text.substr(0, size / 2), text.substr(size / 2));
    return 0;
}
