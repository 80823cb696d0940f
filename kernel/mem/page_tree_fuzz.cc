// Page trees under an arbitrary sequence of changes; see page_tree_world.h.
#include <span>

#include "kernel/mem/page_tree_world.h"
#include "kernel/mem/test_machine.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace astrata;
    static kernel::TestMachine machine(4U << 20);
    [[maybe_unused]] static bool const is_ready = machine.initialize_allocators().has_value();
#pragma clang unsafe_buffer_usage begin  // libFuzzer's interface is a pointer and a length
    testing::Choices choices(std::as_bytes(std::span(data, size)));
#pragma clang unsafe_buffer_usage end
    kernel::mem::PageTreeWorld(choices).run();
    return 0;
}
