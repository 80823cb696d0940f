// How long stretches of memory are copied here: in one way.
#pragma once

#include <string_view>

#include "lib/boot_options/copy_method.h"

namespace astrata::kernel::arch {

inline void choose_copy_method(std::string_view) {}
[[nodiscard]] inline CopyMethod copy_method() {
    return CopyMethod::unrolled_words;
}

}  // namespace astrata::kernel::arch
