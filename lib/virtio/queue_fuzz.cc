// A device that writes arbitrary bytes into everything it shares with the driver, at arbitrary moments.
#include <span>

#include "lib/virtio/simulated_device.h"

using namespace astrata;
using namespace astrata::virtio;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
#pragma clang unsafe_buffer_usage begin  // libFuzzer's interface is a pointer and a length
    ByteReader input(std::as_bytes(std::span(data, size)));
#pragma clang unsafe_buffer_usage end
    auto const kind = input.read<std::uint8_t>().value_or(0);
    QueueOptions const options{.has_indirect = (kind & 1) != 0, .has_event_index = (kind & 2) != 0};
    auto const entries = static_cast<std::uint16_t>(1 << (kind >> 2 & 3));
    SharedMemory memory(QueueLayout::of(entries, options).bytes + 64);
    auto queue = SplitQueue::create(memory.bytes(), SharedMemory::base, entries, options).value();
    std::array<Segment, 4> const segments{{{0x1000, 16}, {0x2000, 512}, {0x3000, 1}, {0x4000, 0xffff'ffff}}};
    while (auto const step = input.read<std::uint8_t>()) {
        switch (*step & 7) {
        case 0:
        case 1:
            (void)queue.add(std::span(segments).first(*step >> 3 & 3), std::span(segments).first(*step >> 5 & 3),
                            *step);
            break;
        case 2: (void)queue.publish(); break;
        case 3: (void)queue.enable_interrupts(); break;
        case 4: queue.disable_interrupts(); break;
        case 5: (void)queue.take(); break;
        default: {
            auto const place = input.read<std::uint16_t>().value_or(0) % QueueLayout::of(entries, options).bytes;
            (void)store(memory.bytes(), place, input.read<std::uint8_t>().value_or(0));
            break;
        }
        }
        if (queue.in_flight() > entries)
            __builtin_trap();
    }
    return 0;
}
