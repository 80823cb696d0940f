#include "strates/linux/filesystems/overlay/content_object.h"

#include <algorithm>
#include <array>

#include "abi/system_calls.h"
#include "lib/base/units.h"

namespace astrata::linux_abi::content_object {

LinuxResult<abi::Handle> create(std::uint64_t size) {
    return to_linux(sys::memory_object_create(size));
}

LinuxResult<abi::Handle> shadow(abi::Handle source, std::uint64_t size) {
    return to_linux(sys::memory_object_clone(source, 0, size, abi::CloneKind::shadow));
}

LinuxResult<> set_size(abi::Handle object, std::uint64_t size) {
    return to_linux(sys::memory_object_set_size(object, size));
}

LinuxResult<> zero(abi::Handle object, std::uint64_t offset, std::uint64_t length) {
    // Written and not discarded: a discarded page of a shadow would show its source again.
    static constexpr std::array<std::byte, 1024> zeros{};
    while (length > 0) {
        auto const part = std::min<std::uint64_t>(length, zeros.size());
        LTRY(sys::memory_object_write(object, offset, Bytes(zeros).first(part)));
        offset += part;
        length -= part;
    }
    return {};
}

LinuxResult<std::uint64_t> resident_bytes(abi::Handle object) {
    return LTRY(sys::memory_object_info(object)).resident_bytes;
}

void close(abi::Handle object) {
    (void)sys::handle_close(object);  // our own handle: closing it cannot fail
}

}  // namespace astrata::linux_abi::content_object
