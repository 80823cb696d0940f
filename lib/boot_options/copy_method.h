// `copy=`: how long stretches of memory are copied. Emulators run string instructions element by element, processors in
// whole cache lines, and CPUID does not say which it is: unless this word names a method, the fastest one is found by
// timing all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace astrata {

enum class CopyMethod : std::uint8_t {
    unrolled_words,  ///< `words`: 8-byte moves, unrolled
    string_words,    ///< `string-words`: rep movsq
    string_bytes     ///< `string-bytes`: rep movsb
};
inline constexpr std::size_t long_copy_bytes = 256;  ///< what counts as long

/// The one that the command line names.
std::optional<CopyMethod> copy_method(std::string_view command_line);

}  // namespace astrata
