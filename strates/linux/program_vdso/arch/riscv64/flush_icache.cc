// What programs call after they wrote code: other CPUs' instruction fetches have to see it, too.
#include "linux_calls/numbers.h"
#include "machine.h"

extern "C" int flush_instructions(std::uint64_t start, std::uint64_t end,
                                  std::uint64_t flags) asm("__vdso_flush_icache");

int flush_instructions(std::uint64_t start, std::uint64_t end, std::uint64_t flags) {
    using namespace astrata::linux_abi;
    return static_cast<int>(system_call(call_number::riscv_flush_icache, start, end, flags));
}
