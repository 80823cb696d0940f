// How long stretches of memory are copied here.
#pragma once

#include <string_view>

#include "lib/boot_options/copy_method.h"

namespace astrata::kernel::arch {

extern "C" CopyMethod astrata_copy_method;  // read by user_copy.S
static_assert(CopyMethod::unrolled_words == CopyMethod{0} && CopyMethod::string_words == CopyMethod{1});

/// Times every method of this processor, unless the command line names one. Once, at boot.
void choose_copy_method(std::string_view command_line);
[[nodiscard]] inline CopyMethod copy_method() {
    return astrata_copy_method;
}

}  // namespace astrata::kernel::arch
