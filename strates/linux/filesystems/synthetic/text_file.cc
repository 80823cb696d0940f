#include "strates/linux/filesystems/synthetic/text_file.h"

#include <algorithm>
#include <array>

#include "strates/linux/core/make.h"
#include "strates/linux/file/special.h"
#include "strates/linux/vfs/clock.h"

namespace astrata::linux_abi {

SyntheticInode::SyntheticInode(FileSystem& file_system, std::uint64_t number, std::uint32_t mode, std::uint32_t uid,
                               std::uint32_t gid)
    : Inode(file_system, {.node = number,
                          .mode = mode,
                          .uid = uid,
                          .gid = gid,
                          .links = static_cast<FileType>(mode & file_type_mask) == FileType::directory ? 2u : 1u}) {}

LinuxResult<> SyntheticInode::generate(TextBuffer&) {
    return fail(Errno::eio);
}

LinuxResult<> SyntheticInode::store(std::string_view) {
    return fail(Errno::eacces);
}

LinuxResult<> SyntheticInode::read_attributes(Attributes& into) {
    LTRY(Inode::read_attributes(into));
    auto const now = file_clock_ns();
    into.accessed_ns = now;
    into.modified_ns = now;
    into.changed_ns = now;
    into.block_size = 1024;
    return {};
}

LinuxResult<Ref<File>> SyntheticInode::open(Path const& path, std::uint32_t flags) {
    if (!is_regular())
        return open_by_type(*this, path, flags);
    return Ref<File>(LTRY(make_ref<TextFile>(path, flags)));
}

LinuxResult<std::size_t> TextFile::read(IoBuffer& into, std::uint64_t& position) {
    Lock lock(mutex_);
    if (!is_made_ || position == 0) {
        text_.clear();
        LTRY(static_cast<SyntheticInode&>(*inode()).generate(text_));
        if (text_.has_failed())
            return fail(Errno::enomem);
        is_made_ = true;
    }
    auto const text = text_.view();
    if (position >= text.size())
        return std::size_t{0};
    auto const done = LTRY(into.copy_out(as_bytes(text.substr(position))));
    position += done;
    return done;
}

LinuxResult<std::size_t> TextFile::write(IoBuffer& from, std::uint64_t& position) {
    std::array<std::byte, 256> text;
    if (from.remaining() > text.size())
        return fail(Errno::einval);
    auto const count = LTRY(from.copy_in(text));
    auto given = as_text(Bytes(text).first(count));
    while (!given.empty() && (given.back() == '\n' || given.back() == ' '))
        given.remove_suffix(1);
    LTRY(static_cast<SyntheticInode&>(*inode()).store(given));
    position += count;
    return count;
}

}  // namespace astrata::linux_abi
