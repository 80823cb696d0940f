// time(2), which newer machines do without.
#include "linux_calls/numbers.h"
#include "machine.h"

extern "C" std::int64_t read_time(std::int64_t* time) asm(VDSO_NAME("time"));

std::int64_t read_time(std::int64_t* time) {
    using namespace astrata::linux_abi;
    return system_call(call_number::time, reinterpret_cast<std::uint64_t>(time), 0);
}
