#include "strates/linux/signal/vector_state.h"

#include <algorithm>
#include <memory>
#include <new>

#include "abi/system_calls.h"
#include "linux_calls/machine.h"

namespace astrata::linux_abi {

static constinit std::size_t known_size = 0;

Result<> learn_vector_state_format() {
    known_size = TRY(sys::restricted_save_vector_state({}));
    machine::learn_vector_state(known_size);
    return {};
}

std::size_t vector_state_size() {
    return known_size;
}

Result<> save_vector_state(VectorState& into) {
    if (machine::save_vector_registers(into.bytes)) [[likely]]
        into.size = known_size;
    else
        into.size = TRY(sys::restricted_save_vector_state(into.bytes));
    return {};
}

Result<> load_vector_state(VectorState const& from) {
    if (machine::load_vector_registers(from.bytes)) [[likely]]
        return {};
    return sys::restricted_load_vector_state(std::span(from.bytes).first(from.size));
}

LinuxResult<> reset_vector_state() {
    std::unique_ptr<VectorState> vector(new (std::nothrow) VectorState);
    if (vector == nullptr)
        return fail(Errno::enomem);
    if (known_size > vector->bytes.size())
        return fail(Errno::enomem);
    auto area = std::span(vector->bytes).first(known_size);
    std::ranges::fill(area, std::byte{0});
    machine::set_initial_vector_state(area);
    LTRY(sys::restricted_load_vector_state(area));
    return {};
}

}  // namespace astrata::linux_abi
