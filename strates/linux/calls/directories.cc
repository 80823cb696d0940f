// getdents64 and its predecessor: directory entries packed into a program's buffer.

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "lib/base/units.h"
#include "linux_calls/table.h"
#include "strates/linux/calls/arguments.h"

namespace astrata::linux_abi {

namespace {

/// Packs entries into a buffer of ours, which goes to the program in one copy.
class PackedEntries final : public DirectorySink {
public:
    enum class Layout : std::uint8_t { old, with_type };  // struct linux_dirent, struct linux_dirent64
    PackedEntries(MutableBytes buffer, Layout layout) : buffer_(buffer), layout_(layout) {}

    [[nodiscard]] Bytes packed() const { return buffer_.first(used_); }
    [[nodiscard]] bool is_too_small() const { return is_full_ && used_ == 0; }

private:
    // Budget: 50 instructions for a short name (getdents_1000).
    bool take(std::string_view name, std::uint64_t node, FileType type, std::uint64_t next) override {
        // Both begin with node, position and length; the new one goes on with the type, the old one has it in its last
        // byte.
        bool const has_type_first = layout_ == Layout::with_type;
        std::size_t const name_offset = has_type_first ? 19 : 18;
        auto const length = align_up(name_offset + name.size() + (has_type_first ? 1 : 2), 8);
        if (length > buffer_.size() - used_) {
            is_full_ = true;
            return false;
        }
        auto const short_length = static_cast<std::uint16_t>(length);
#pragma clang unsafe_buffer_usage begin  // the entry lies within the buffer: just checked
        auto* const entry = buffer_.data() + used_;
        __builtin_memset(entry + length - 8, 0, 8);  // what follows the name
        __builtin_memcpy(entry, &node, 8);
        __builtin_memcpy(entry + 8, &next, 8);
        __builtin_memcpy(entry + 16, &short_length, 2);
        auto* const text = entry + name_offset;
        auto const* const from = name.data();
        std::size_t position = 0;
        for (; name.size() - position >= 8; position += 8)
            __builtin_memcpy(text + position, from + position, 8);
        for (; position < name.size(); ++position)
            text[position] = static_cast<std::byte>(from[position]);
        entry[has_type_first ? 18 : length - 1] = static_cast<std::byte>(directory_entry_type(type));
#pragma clang unsafe_buffer_usage end
        used_ += length;
        return true;
    }

    MutableBytes buffer_;
    Layout layout_;
    std::size_t used_ = 0;
    bool is_full_ = false;
};

constexpr std::size_t buffer_limit = 32 * 1024;

LinuxResult<std::uint64_t> get_entries(Task& task, std::int32_t fd, GuestAddress entries, std::uint32_t count,
                                       PackedEntries::Layout layout) {
    auto const file = LTRY(task.files().get(fd));
    std::unique_ptr<std::array<std::byte, buffer_limit>> const memory(new (std::nothrow)
                                                                          std::array<std::byte, buffer_limit>);
    if (memory == nullptr)
        return fail(Errno::enomem);
    PackedEntries packed(MutableBytes(*memory).first(std::min<std::size_t>(count, buffer_limit)), layout);
    LTRY(file->read_entries(packed));
    if (packed.is_too_small())
        return fail(Errno::einval);
    LTRY(copy_to_guest(entries, packed.packed()));
    return packed.packed().size();
}

}  // namespace

LinuxResult<std::uint64_t> sys_getdents64(Task& task, std::int32_t fd, GuestAddress entries, std::uint32_t count) {
    return get_entries(task, fd, entries, count, PackedEntries::Layout::with_type);
}
LinuxResult<std::uint64_t> sys_getdents(Task& task, std::int32_t fd, GuestAddress entries, std::uint32_t count) {
    return get_entries(task, fd, entries, count, PackedEntries::Layout::old);
}

}  // namespace astrata::linux_abi
