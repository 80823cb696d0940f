#include "strates/linux/personality/parameters.h"

#include <charconv>
#include <memory>

namespace astrata::linux_abi {
namespace {

// The next string, without its NUL.
Result<std::string_view> take(std::string_view& rest) {
    auto end = rest.find('\0');
    if (end == std::string_view::npos)
        return fail(Error::invalid_argument);
    auto text = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return text;
}

Result<> append(ProgramStrings& strings, std::string_view text) {
    if (auto appended = strings.append(text, parameter_limit); !appended.has_value())
        return fail(appended.error() == Errno::enomem ? Error::no_memory : Error::invalid_argument);
    return ok();
}

}  // namespace

Result<> parse_parameters(std::string_view text, JobRequest& into) {
    auto directory = TRY(take(text));
    TRY(into.directory.append(directory.empty() ? std::string_view("/") : directory));
    auto count_text = TRY(take(text));
    std::size_t count = 0;
    auto const* count_end = std::to_address(count_text.end());
    auto parsed = std::from_chars(count_text.data(), count_end, count);
    if (parsed.ec != std::errc() || parsed.ptr != count_end || count == 0)
        return fail(Error::invalid_argument);
    for (; count != 0; --count) {
        auto argument = TRY(take(text));
        TRY(append(into.arguments, argument));
    }
    while (!text.empty()) {
        auto entry = TRY(take(text));
        TRY(append(into.environment, entry));
    }
    return ok();
}

}  // namespace astrata::linux_abi
