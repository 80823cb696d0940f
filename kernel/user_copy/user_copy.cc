#include "kernel/user_copy/user_span.h"

#include "arch/user_copy.h"
#include "kernel/mem/layout.h"

namespace astrata::kernel {

namespace {

bool may_be_user_memory(VirtAddr start, std::uint64_t length) {
    if (start <= layout::home_end) [[likely]]
        return length <= layout::home_end - start;
    return arch::is_own_hosted_memory(start, length);
}

}  // namespace

Result<> copy_in(MutableBytes into, UserBytesIn from) {
    if (into.empty())
        return {};
    if (from.length < into.size() || !may_be_user_memory(from.address, into.size()) ||
        !arch::copy_user(into.data(), reinterpret_cast<void const*>(from.address.value), into.size()))
        return fail(Error::bad_address);
    return {};
}

Result<> copy_out(UserBytesOut into, Bytes from) {
    if (from.empty())
        return {};
    if (into.length < from.size() || !may_be_user_memory(into.address, from.size()) ||
        !arch::copy_user(reinterpret_cast<void*>(into.address.value), from.data(), from.size()))
        return fail(Error::bad_address);
    return {};
}

bool find_recovery(std::uint64_t instruction, std::uint64_t& recovery) {
    for (auto const& entry : arch::exception_table()) {
        if (entry.instruction == instruction) {
            recovery = entry.recovery;
            return true;
        }
    }
    return false;
}

}  // namespace astrata::kernel
