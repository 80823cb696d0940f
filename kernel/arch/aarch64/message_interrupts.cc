// Message-signalled interrupts.
#include "arch/interrupt_routing.h"

namespace astrata::kernel::arch {

std::uint64_t message_address(std::uint8_t) {
    return 0;
}
std::uint64_t message_data(std::uint8_t) {
    return 0;
}

}  // namespace astrata::kernel::arch
