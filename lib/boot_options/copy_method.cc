#include "lib/boot_options/copy_method.h"

#include "lib/boot_options/boot_options.h"

namespace astrata {

std::optional<CopyMethod> copy_method(std::string_view command_line) {
    auto const name = boot_option(command_line, "copy");
    if (name == "words")
        return CopyMethod::unrolled_words;
    if (name == "string-words")
        return CopyMethod::string_words;
    if (name == "string-bytes")
        return CopyMethod::string_bytes;
    return std::nullopt;
}

}  // namespace astrata
