// The first serial port, polled: for the mirrored kernel log and for panics.
#pragma once

#include <string_view>

namespace astrata::kernel::arch {

void early_serial_write(std::string_view text);

}  // namespace astrata::kernel::arch
