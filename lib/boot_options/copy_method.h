// `copy=`: how long stretches of memory, of 256 bytes and more, are copied. Emulators run string instructions element
// by element, processors in whole cache lines, and CPUID does not say which it is: unless this word names a method, the
// fastest one is found by timing all.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace astrata {

enum class CopyMethod : std::uint8_t {
    unrolled_words,  ///< `words`: 8-byte moves, unrolled
    string_words,    ///< `string-words`: rep movsq
    string_bytes     ///< `string-bytes`: rep movsb
};

/// The one that the command line names.
std::optional<CopyMethod> copy_method(std::string_view command_line);

}  // namespace astrata
