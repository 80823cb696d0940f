// Whatever bytes a client passes as the parameters of Personality.start.
#include <cstddef>
#include <cstdint>

#include "strates/linux/personality/parameters.h"

namespace astrata::linux_abi {

LinuxResult<std::size_t> copy_string_from_guest(std::span<char>, GuestAddress) {
    return fail(Errno::efault);
}
LinuxResult<> copy_from_guest(MutableBytes, GuestAddress) {
    return fail(Errno::efault);
}

}  // namespace astrata::linux_abi

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    astrata::linux_abi::JobRequest request;
    (void)astrata::linux_abi::parse_parameters({reinterpret_cast<char const*>(data), size}, request);
    return 0;
}
