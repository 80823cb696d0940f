// Messages, signals, permits and wait sets in an arbitrary interleaving; see ipc_world.h.
#include <span>

#include "kernel/ipc/ipc_world.h"
#include "kernel/mem/test_machine.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace astrata;
    static kernel::TestMachine machine(16U << 20);
    [[maybe_unused]] static bool const is_ready = machine.initialize().has_value();
#pragma clang unsafe_buffer_usage begin  // libFuzzer's interface is a pointer and a length
    testing::Choices choices(std::as_bytes(std::span(data, size)));
#pragma clang unsafe_buffer_usage end
    kernel::live_through(choices);
    return 0;
}
