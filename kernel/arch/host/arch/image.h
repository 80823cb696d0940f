// The kernel image on the host: there is none.
#pragma once

#include "kernel/mem/image_sections.h"

namespace astrata::kernel::arch {

inline ImageSections image_sections() {
    return {};
}

}  // namespace astrata::kernel::arch
