#include "strates/linux/filesystems/pts/pts_file_system.h"

#include <array>
#include <atomic>
#include <charconv>
#include <new>

#include "strates/linux/core/make.h"
#include "strates/linux/devices/devices.h"
#include "strates/linux/file/special.h"
#include "strates/linux/file/text.h"
#include "strates/linux/tty/pty.h"
#include "strates/linux/vfs/clock.h"
#include "strates/linux/vfs/tree.h"
#include "strates/linux/vfs/walk.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint64_t devpts_magic = 0x1cd1;  // DEVPTS_SUPER_MAGIC
constexpr std::uint64_t first_slave_number = 3;

std::atomic<PtsFileSystem*> mounted = nullptr;

Attributes attributes_now(std::uint64_t number, std::uint32_t mode, std::uint64_t device, std::uint32_t uid,
                          std::uint32_t gid) {
    auto const now = file_clock_ns();
    return {.node = number,
            .mode = mode,
            .uid = uid,
            .gid = gid,
            .links = static_cast<FileType>(mode & file_type_mask) == FileType::directory ? 2u : 1u,
            .device = device,
            .accessed_ns = now,
            .modified_ns = now,
            .changed_ns = now,
            .created_ns = now};
}

/// Keeps mode and owner as programs set them: as long as somebody refers to the node.
class SlaveInode final : public Inode {
public:
    SlaveInode(FileSystem& file_system, PtyTerminal const& terminal)
        : Inode(file_system, attributes_now(first_slave_number + terminal.index(),
                                            static_cast<std::uint32_t>(FileType::character_device) | 0620,
                                            device_number(device_id::pty_major, terminal.index()), terminal.uid(),
                                            terminal.gid())) {}
};

class PtsRootInode final : public Inode {
public:
    explicit PtsRootInode(FileSystem& file_system)
        : Inode(file_system, attributes_now(1, static_cast<std::uint32_t>(FileType::directory) | 0755, 0, 0, 0)) {}

    LinuxResult<LookupResult> lookup(std::string_view name) override REQUIRES(mutex_) {
        std::uint32_t index = 0;
        auto const parsed = std::from_chars(name.begin(), name.end(), index);
        if (parsed.ec != std::errc() || parsed.ptr != name.end())
            return LookupResult{.may_be_cached = false};
        auto const terminal = next_pty(index);
        if (!terminal || terminal->index() != index)
            return LookupResult{.may_be_cached = false};
        return LookupResult{.inode = Ref<Inode>(LTRY(make_ref<SlaveInode>(file_system(), *terminal))),
                            .may_be_cached = false};
    }
    LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink) override REQUIRES(mutex_) {
        auto terminal = next_pty(static_cast<std::uint32_t>(position));
        while (terminal) {
            auto const index = terminal->index();
            std::array<char, 16> text;
            TextWriter name(text);
            name.put_decimal(index);
            if (!sink.add(name.view(), first_slave_number + index, FileType::character_device, index + 1))
                return {};
            terminal = next_pty(index + 1);
        }
        return {};
    }
};

}  // namespace

LinuxResult<Ref<PtsFileSystem>> PtsFileSystem::create() {
    auto* made = new (std::nothrow) PtsFileSystem;
    if (made == nullptr)
        return fail(Errno::enomem);
    auto file_system = Ref<PtsFileSystem>::adopt(*made);
    file_system->root_ = Ref<Inode>(LTRY(make_ref<PtsRootInode>(*file_system)));
    PtsFileSystem* expected = nullptr;
    mounted.compare_exchange_strong(expected, made);
    return file_system;
}

PtsFileSystem::~PtsFileSystem() {
    auto* self = this;
    mounted.compare_exchange_strong(self, nullptr);
}

Ref<Inode> PtsFileSystem::root() {
    return Ref<Inode>::share(*root_);
}

void PtsFileSystem::release_root() {
    root_ = nullptr;
}

LinuxResult<FileSystemStatistics> PtsFileSystem::statistics() {
    return FileSystemStatistics{.magic = devpts_magic};
}

LinuxResult<Path> pts_path(std::uint32_t index) {
    auto* file_system = mounted.load();
    if (file_system == nullptr)
        return fail(Errno::enoent);
    auto const mount = tree().mount_of(*file_system);
    if (!mount)
        return fail(Errno::enoent);
    std::array<char, 16> text;
    TextWriter name(text);
    name.put_decimal(index);
    auto& root = mount->root();
    Lock lock(root.inode()->mutex());
    auto entry = LTRY(look_up_child(root, *root.inode(), name.view()));
    if (entry->is_negative())
        return fail(Errno::enoent);
    return Path{Ref<Mount>::share(*mount), std::move(entry)};
}

}  // namespace astrata::linux_abi
