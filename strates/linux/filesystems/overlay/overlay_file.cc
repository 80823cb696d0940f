#include "strates/linux/filesystems/overlay/overlay_file.h"

#include <algorithm>

namespace astrata::linux_abi {

namespace {

constexpr std::uint32_t keep_size = 1;    // FALLOC_FL_KEEP_SIZE
constexpr std::uint32_t punch_hole = 2;   // FALLOC_FL_PUNCH_HOLE
constexpr std::uint32_t zero_range = 16;  // FALLOC_FL_ZERO_RANGE

}  // namespace

LinuxResult<std::size_t> OverlayFile::read(IoBuffer& into, std::uint64_t& position) {
    auto const size = node().size();
    if (position >= size)
        return std::size_t{0};
    auto const object = LTRY(node().object_to_read());
    auto const count = std::min(into.remaining(), size - position);
    auto const done = LTRY(into.transfer_from_object(object, position, count));
    position += done;
    return done;
}

LinuxResult<std::size_t> OverlayFile::write(IoBuffer& from, std::uint64_t& position) {
    return node().write(from, position, (flags() & open_flag::append) != 0);
}

LinuxResult<FileMapping> OverlayFile::map(MapRequest const& request) {
    return node().map(request);
}

LinuxResult<> OverlayFile::truncate(std::uint64_t size) {
    return node().truncate(size);
}

LinuxResult<> OverlayFile::allocate(std::uint32_t mode, std::uint64_t offset, std::uint64_t length) {
    switch (mode) {
    case 0:
    case keep_size: return node().allocate(offset, length, mode == keep_size, false);
    case punch_hole | keep_size:
    case zero_range | keep_size: return node().allocate(offset, length, true, true);
    case zero_range: return node().allocate(offset, length, false, true);
    default: return fail(Errno::eopnotsupp);
    }
}

}  // namespace astrata::linux_abi
