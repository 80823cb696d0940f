#include "sdk/log.h"

#include "abi/system_calls.h"
#include "sdk/own.h"

namespace astrata::sdk {

void write_log_line(std::string_view line) {
    (void)sys::log_write(own().log, as_bytes(line));
}

}  // namespace astrata::sdk
