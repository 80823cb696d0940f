#include "strates/linux/filesystems/standard.h"

#include <array>

#include "strates/linux/devices/devices.h"
#include "strates/linux/filesystems/proc/proc_file_system.h"
#include "strates/linux/filesystems/pts/pts_file_system.h"
#include "strates/linux/filesystems/synthetic/static_tree.h"
#include "strates/linux/filesystems/sys/sys_tree.h"
#include "strates/linux/vfs/operations.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint32_t directory_mode(std::uint32_t permissions) {
    return permissions | static_cast<std::uint32_t>(FileType::directory);
}

/// Makes the names of `directory`, whose inode nobody else knows yet.
LinuxResult<> make_in(Inode& directory, std::string_view name, NewNode const& node) {
    Lock lock(directory.mutex());
    LTRY(directory.create(name, node));
    return {};
}

struct Link {
    std::string_view name;
    std::string_view target;
};
constexpr std::array device_links = {
    Link{"fd", "/proc/self/fd"},
    Link{"stdin", "/proc/self/fd/0"},
    Link{"stdout", "/proc/self/fd/1"},
    Link{"stderr", "/proc/self/fd/2"},
};

class Mounter {
public:
    Mounter(FileSystemContext& context, Credentials const& credentials) : start_{context, credentials} {}

    LinuxResult<> make_directory(std::string_view path, std::uint32_t permissions) {
        auto const made = make_node(start_, path, directory_mode(permissions), 0);
        if (!made && made.error() != Errno::eexist)
            return made;
        return {};
    }
    LinuxResult<> mount(FileSystem& file_system, std::string_view source, std::string_view path, std::uint64_t flags) {
        LTRY(make_directory(path, 0755));
        Walker walker(start_);
        auto const place = LTRY(walker.resolve(path, LastComponent::follow));
        LTRY(mount_file_system(file_system, &place, source, flags | mount_flag::no_access_times));
        return {};
    }

private:
    WalkStart const start_;
};

}  // namespace

LinuxResult<Ref<OverlayFileSystem>> create_device_file_system() {
    auto file_system = LTRY(OverlayFileSystem::create(nullptr, {.type_name = "devtmpfs", .root_mode = 0755}));
    auto const root = file_system->root();
    for (auto const& node : device_nodes())
        LTRY(make_in(*root, node.name,
                     {.mode = node.permissions | static_cast<std::uint32_t>(FileType::character_device),
                      .device = node.number}));
    for (auto const& link : device_links)
        LTRY(make_in(*root, link.name,
                     {.mode = static_cast<std::uint32_t>(FileType::symbolic_link) | 0777, .link_target = link.target}));
    LTRY(make_in(*root, "pts", {.mode = directory_mode(0755)}));
    LTRY(make_in(*root, "shm", {.mode = directory_mode(01777)}));
    return file_system;
}

LinuxResult<Ref<FileSystemContext>> mount_standard_file_systems(std::unique_ptr<LowerFileSystem> lower,
                                                                std::string_view source) {
    auto const root_file_system =
        LTRY(OverlayFileSystem::create(std::move(lower), {.type_name = "overlay", .root_mode = 0755}));
    auto const root_mount = LTRY(mount_file_system(*root_file_system, nullptr, source, mount_flag::no_access_times));
    Path const root{root_mount, Ref<Dentry>::share(root_mount->root())};
    auto context = LTRY(FileSystemContext::create(root, root, 0));
    auto const credentials = LTRY(Credentials::create_root());
    Mounter mounter(*context, *credentials);

    auto const proc = LTRY(ProcFileSystem::create());
    LTRY(mounter.mount(*proc, "proc", "/proc", mount_flag::no_set_id | mount_flag::no_execution));
    auto const sys = LTRY(StaticFileSystem::create("sysfs", sysfs_magic, sys_tree()));
    LTRY(mounter.mount(*sys, "sysfs", "/sys", mount_flag::no_set_id | mount_flag::no_execution));
    auto const devices = LTRY(create_device_file_system());
    LTRY(mounter.mount(*devices, "devtmpfs", "/dev", mount_flag::no_set_id));
    auto const pts = LTRY(PtsFileSystem::create());
    LTRY(mounter.mount(*pts, "devpts", "/dev/pts", mount_flag::no_set_id | mount_flag::no_execution));
    auto const shared_memory = LTRY(OverlayFileSystem::create(nullptr, {}));
    LTRY(mounter.mount(*shared_memory, "tmpfs", "/dev/shm", mount_flag::no_set_id | mount_flag::no_devices));
    // Programs rely on these; on a root file system that has them nothing changes.
    LTRY(mounter.make_directory("/tmp", 01777));
    LTRY(mounter.make_directory("/root", 0700));
    context->set_umask(022);
    return context;
}

}  // namespace astrata::linux_abi
