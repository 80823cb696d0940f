#include "strates/linux/signal/vector_state.h"

#include <algorithm>
#include <new>

#include "abi/system_calls.h"
#include "strates/linux/signal/frame.h"

namespace astrata::linux_abi {
namespace {

constexpr std::size_t legacy_size = 512;

// guest_copy_x86_64.S writes descriptions too, and looks at them.
static_assert(VectorStateDescription::offset == 464 && offsetof(VectorStateDescription, extended_size) == 4 &&
              offsetof(VectorStateDescription, components) == 8 && offsetof(VectorStateDescription, state_size) == 16);

constinit VectorStateFormat known_format;

// What the system has switched on (XGETBV of XCR0, Intel SDM volume 1, section 13.3).
std::uint64_t enabled_components() {
    std::uint32_t low = 0, high = 0;
    asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return std::uint64_t{high} << 32 | low;
}

// Whatever else a program may return with than what write_vector_state made.
[[gnu::noinline]] LinuxResult<> restore_partial_vector_state(GuestAddress address) {
    std::unique_ptr<VectorState> vector(new (std::nothrow) VectorState);
    if (vector == nullptr)
        return fail(Errno::enomem);
    auto room = std::span(vector->bytes);
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

}  // namespace

Result<> learn_vector_state_format() {
    known_format.size = TRY(sys::restricted_save_vector_state({}));
    known_format.components = known_format.size > legacy_size ? enabled_components() : 0;
    return {};
}

VectorStateFormat const& vector_state_format() {
    return known_format;
}

Result<> save_vector_state(VectorState& into) {
    if (known_format.components != 0 && known_format.size + vector_state_trailer <= into.bytes.size()) [[likely]] {
        save_vector_state_to_memory(into.bytes, known_format);
        into.size = known_format.size;
    } else {
        into.size = TRY(sys::restricted_save_vector_state(into.bytes));
    }
    return {};
}

Result<> load_vector_state(VectorState const& from) {
    if (known_format.components != 0 && load_vector_state_from_memory(from.bytes, known_format)) [[likely]]
        return {};
    return sys::restricted_load_vector_state(std::span(from.bytes).first(from.size));
}

LinuxResult<> write_vector_state(GuestAddress place, VectorStateFormat const& format) {
    if (format.components != 0) [[likely]]
        return save_vector_state_to_guest(place, format);
    LTRY(sys::restricted_save_vector_state(LTRY(guest_span(place, format.size))));
    LTRY(write_guest(place + VectorStateDescription::offset, describe_vector_state(format.size, 0)));
    return write_guest(place + format.size, vector_state_trailer_mark);
}

LinuxResult<> restore_vector_state(GuestAddress address) {
    if (known_format.components != 0 && load_vector_state_from_guest(address, known_format)) [[likely]]
        return {};
    return restore_partial_vector_state(address);
}

}  // namespace astrata::linux_abi
