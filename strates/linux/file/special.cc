#include "strates/linux/file/special.h"

#include "strates/linux/core/make.h"
#include "strates/linux/vfs/tree.h"

namespace astrata::linux_abi {

namespace {

// Positions: 0 is ".", 1 is "..", from 2 on the file system's own plus 2.
constexpr std::uint64_t dot_entries = 2;

class DirectoryFile final : public File {
public:
    DirectoryFile(Path const& path, std::uint32_t flags) : File(&path, flags) {}

    LinuxResult<std::size_t> read(IoBuffer&, std::uint64_t&) override { return fail(Errno::eisdir); }
    [[nodiscard]] bool is_seekable() const override { return true; }
    LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink) override {
        auto& directory = *inode();
        if (position == 0) {
            if (!sink.add(".", directory.number(), FileType::directory, 1))
                return {};
            position = 1;
        }
        if (position == 1) {
            if (!sink.add("..", parent_number(), FileType::directory, dot_entries))
                return {};
            position = dot_entries;
        }
        Lock lock(directory.mutex());
        if (directory.is_removed())
            return fail(Errno::enoent);
        sink.shift(dot_entries);
        return directory.read_directory(position - dot_entries, sink);
    }

private:
    std::uint64_t parent_number() {
        Lock lock(tree().mutex());
        Dentry const* entry = path()->dentry.get();
        Mount const* mount = path()->mount.get();
        while (entry == &mount->root() && mount->parent() != nullptr) {
            entry = mount->mount_point();
            mount = mount->parent();
        }
        return entry->parent() != nullptr ? entry->parent()->inode()->number() : entry->inode()->number();
    }
};

class PathOnlyFile final : public File {
public:
    PathOnlyFile(Path const& path, std::uint32_t flags) : File(&path, flags) {}
    std::uint32_t poll(PollTable*) override { return poll_event::invalid; }
    LinuxResult<std::int64_t> ioctl(std::uint32_t, std::uint64_t) override { return fail(Errno::ebadf); }
    LinuxResult<FileMapping> map(MapRequest const&) override { return fail(Errno::ebadf); }
};

}  // namespace

LinuxResult<Ref<File>> open_by_type(Inode& inode, Path const& path, std::uint32_t flags) {
    switch (inode.type()) {
    case FileType::directory: return open_directory(path, flags);
    case FileType::character_device:
    case FileType::block_device: return open_device(path, inode.type(), inode.device(), flags);
    case FileType::fifo: return open_fifo(inode, path, flags);
    case FileType::socket: return fail(Errno::enxio);
    case FileType::symbolic_link: return fail(Errno::eloop);
    case FileType::regular: break;
    }
    return fail(Errno::einval);
}

LinuxResult<Ref<File>> open_directory(Path const& path, std::uint32_t flags) {
    return Ref<File>(LTRY(make_ref<DirectoryFile>(path, flags)));
}

LinuxResult<Ref<File>> open_path_only(Path const& path, std::uint32_t flags) {
    return Ref<File>(LTRY(make_ref<PathOnlyFile>(path, flags)));
}

}  // namespace astrata::linux_abi
