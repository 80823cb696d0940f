// The parts of the kernel image that need different permissions.
#pragma once

#include "lib/base/units.h"

namespace astrata::kernel {

/// Page-aligned bounds, in the image's virtual range.
struct ImageSections {
    VirtAddr text_start;  ///< read and execute
    VirtAddr text_end;
    VirtAddr rodata_start;  ///< read
    VirtAddr rodata_end;
    VirtAddr data_start;  ///< read and write, zero-initialised data included
    VirtAddr data_end;
};

}  // namespace astrata::kernel
