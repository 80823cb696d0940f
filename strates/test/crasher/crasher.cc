// Ends by a page fault: the silo manager logs where, and starts it again after growing pauses.
#include "crasher/environment.h"
#include "sdk/log.h"

namespace astrata {

Result<> strate_main(crasher::Environment&) {
    sdk::log("about to write to address 0");
    std::uint64_t volatile* nowhere = nullptr;
    asm volatile("" : "+r"(nowhere));   // the compiler must not see what is coming
    *nowhere = 1;
    return {};
}

}  // namespace astrata
