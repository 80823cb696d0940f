#include "strates/linux/arch/x86_64/vector_state.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "abi/system_calls.h"
#include "sdk/foreign_memory.h"
#include "strates/linux/arch/x86_64/facts.h"

extern "C" {  // guest_copy.S
std::uint32_t guest_save_vector_state(void* to, std::size_t size, std::uint64_t components);
std::uint32_t guest_load_vector_state(void const* from, std::size_t size);
}

namespace astrata::linux_abi::x86_64 {
namespace {

constexpr std::size_t legacy_size = 512;

// guest_copy.S writes descriptions too, and looks at them.
static_assert(VectorStateDescription::offset == 464 && offsetof(VectorStateDescription, extended_size) == 4 &&
              offsetof(VectorStateDescription, components) == 8 && offsetof(VectorStateDescription, state_size) == 16);

// How this machine lays out FPU and vector state.
struct VectorStateFormat {
    std::size_t size = 0;          // bytes of an XSAVE area, or of a plain FXSAVE area
    std::uint64_t components = 0;  // XCR0; 0 on a processor without XSAVE
};
constinit VectorStateFormat format;

// What the system has switched on (XGETBV of XCR0, Intel SDM volume 1, section 13.3).
std::uint64_t enabled_components() {
    std::uint32_t low = 0, high = 0;
    asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return std::uint64_t{high} << 32 | low;
}

// Only ever handed to the routines of guest_copy.S, which survive whatever it points to.
void* raw(GuestAddress address) {
    return reinterpret_cast<void*>(address.value);
}

// Whatever else a program may return with than what complete_frame made.
[[gnu::noinline]] LinuxResult<> restore_partial_vector_state(GuestAddress address) {
    struct Area {
        alignas(64) std::array<std::byte, vector_state_limit> bytes;
    };
    std::unique_ptr<Area> area(new (std::nothrow) Area);
    if (area == nullptr)
        return fail(Errno::enomem);
    auto room = std::span(area->bytes);
    // The size of this machine's area; what the program hands back may be shorter, never longer.
    auto size = LTRY(sys::restricted_save_vector_state(room));
    LTRY(copy_from_guest(room.first(legacy_size), address));
    auto marked = marked_vector_state_size(room.first(legacy_size), size);
    if (marked > legacy_size && marked <= room.size()) {
        LTRY(copy_from_guest(room.first(marked), address));
        // The frame may have changed between the two reads: its mark must still say the same.
        bool is_intact = has_vector_state_trailer(room.first(marked)) &&
                         marked_vector_state_size(room.first(legacy_size), size) == marked;
        if (is_intact) {
            std::ranges::fill(room.subspan(marked - vector_state_trailer), std::byte{0});
            LTRY(sys::restricted_load_vector_state(room.first(size)));
            return {};
        }
    }
    complete_legacy_state(room.first(size));
    LTRY(sys::restricted_load_vector_state(room.first(size)));
    return {};
}

bool load_whole_vector_state(GuestAddress address) {
    if (format.components == 0 || !is_guest_range(address, format.size + vector_state_trailer))
        return false;
    sdk::ForeignMemoryAccess const access;
    return guest_load_vector_state(raw(address), format.size) == 0;
}

}  // namespace

void learn_vector_state(std::size_t size) {
    format = {.size = size, .components = size > legacy_size ? enabled_components() : 0};
}

bool save_vector_registers(MutableBytes into) {
    return format.components != 0 && format.size + vector_state_trailer <= into.size() &&
           guest_save_vector_state(into.data(), format.size, format.components) == 0;
}

bool load_vector_registers(Bytes from) {
    return format.components != 0 && format.size + vector_state_trailer <= from.size() &&
           guest_load_vector_state(from.data(), format.size) == 0;
}

void set_initial_vector_state(MutableBytes area) {
    static_cast<void>(store(area, 0, std::uint16_t{0x37f}));    // x87 control word
    static_cast<void>(store(area, 24, std::uint32_t{0x1f80}));  // MXCSR
}

LinuxResult<> complete_frame(SignalFrame& frame, FramePlace const& place) {
    GuestAddress const area{place.vector_state};
    frame.context.registers.vector_state = area.value;
    if (format.components != 0) [[likely]] {
        if (!is_guest_range(area, format.size + vector_state_trailer)) [[unlikely]]
            return fail(Errno::efault);
        sdk::ForeignMemoryAccess const access;
        if (guest_save_vector_state(raw(area), format.size, format.components) != 0) [[unlikely]]
            return fail(Errno::efault);
        return {};
    }
    LTRY(sys::restricted_save_vector_state(LTRY(guest_span(area, format.size))));
    LTRY(write_guest(area + VectorStateDescription::offset, describe_vector_state(format.size, 0)));
    return write_guest(area + format.size, vector_state_trailer_mark);
}

LinuxResult<> load_vector_state_of_frame(UserContext const& context, GuestAddress) {
    GuestAddress const area{context.registers.vector_state};
    if (area.is_null() || load_whole_vector_state(area)) [[likely]]
        return {};
    return restore_partial_vector_state(area);
}

}  // namespace astrata::linux_abi::x86_64
