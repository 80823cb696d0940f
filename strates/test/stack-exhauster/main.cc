// Three ways to the end of a stack. In the kernel's mode the processor cannot report a fault on the very stack that it
// would report it on.
#include <array>
#include <cstddef>

#include "lib/start/layout.h"
#include "sdk/log.h"
#include "stack-exhauster/environment.h"

extern "C" [[noreturn]] void spin_on_stack(std::uint64_t stack);   // spin.S

namespace astrata {

namespace {

[[gnu::noinline]] std::uint64_t call_itself(std::uint64_t depth) {
    std::uint64_t volatile here = depth;
    return here == ~std::uint64_t{0} ? 0 : call_itself(here + 1) + here;
}

[[gnu::noinline]] std::uint64_t call_bedrock(std::uint64_t depth) {
    std::array<std::byte, 256> bytes;
    if (!sys::random_read(bytes))
        return 0;
    return call_bedrock(depth + 1) + static_cast<std::uint64_t>(bytes[depth % bytes.size()]);
}

// The stack is as good as empty from here on: interrupts find room for nothing.
[[noreturn]] void wait_for_interrupt() {
    std::uint64_t const here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    auto const slot = here & ~(start::stack_slot_bytes - 1);
    auto const lowest = slot + start::stack_slot_bytes - start::main_stack_bytes;
    spin_on_stack(lowest);
}

}  // namespace

Result<> strate_main(stack_exhauster::Environment&) {
    std::array<std::byte, 1> choice{};
    TRY(sys::random_read(choice));
    switch (static_cast<unsigned>(choice[0]) % 3) {
    case 0:
        sdk::log("about to call itself");
        call_itself(0);
        break;
    case 1:
        sdk::log("about to call Bedrock");
        call_bedrock(0);
        break;
    default: sdk::log("about to wait for an interrupt"); wait_for_interrupt();
    }
    sdk::log("nobody noticed");
    return {};
}

}  // namespace astrata
