// Chevron's name space: file systems, each provided by a scheme, mounted at paths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "abi/file_system.h"
#include "abi/silo_manager.h"
#include "apps/chevron/lock.h"
#include "apps/chevron/names/path.h"
#include "lib/base/ref.h"
#include "lib/containers/string.h"
#include "lib/containers/vector.h"
#include "sdk/handle.h"

namespace astrata::chevron {

/// A file system at a place. Stays usable while somebody refers to it, also after umount.
struct Mount : RefCounted<Mount> {
    static void destroy(Mount* mount) { delete mount; }
    [[nodiscard]] abi::FileSystemClient client() const { return abi::FileSystemClient(endpoint.get()); }

    String path;
    String scheme;
    sdk::UniqueHandle endpoint;
    std::uint64_t root = 0;  ///< node
};

/// What a path leads to.
struct Found {
    Ref<Mount> mount;
    abi::NodeAttributes attributes;
    Path path;  ///< canonical, symbolic links followed
    [[nodiscard]] abi::FileSystemClient client() const { return mount->client(); }
};

/// Where a path's last component is, or may be made.
struct Place {
    Ref<Mount> mount;
    std::uint64_t directory = 0;
    Path path;  ///< of the thing itself
    [[nodiscard]] std::string_view name() const { return path.last_component(); }
    [[nodiscard]] abi::FileSystemClient client() const { return mount->client(); }
};

enum class LastLink : std::uint8_t { follow, keep };

/// A scheme that provides file systems appears as a folder of the root without having been mounted there.
class NameSpace {
public:
    static constexpr std::size_t mount_limit = 32;
    static constexpr unsigned link_limit = 40;

    /// Borrows the manager's endpoint.
    explicit NameSpace(abi::Handle manager) : manager_(manager) {}

    /// errors    not_found (no such scheme), wrong_type (no file system), busy (something is mounted there),
    /// no_resources,
    ///           no_memory, and what connecting fails with
    [[nodiscard]] Result<> mount(std::string_view scheme, Path const& path) EXCLUDES(mutex_);
    /// errors    not_found (nothing is mounted there), busy (something else is mounted below)
    [[nodiscard]] Result<> unmount(Path const& path) EXCLUDES(mutex_);
    /// The `position`-th mount in the order of mounting.
    [[nodiscard]] RefOrNull<Mount> mount_at(std::size_t position) EXCLUDES(mutex_);

    /// errors    not_found, not_a_directory, too_many_links, name_too_long, and those of the file system
    [[nodiscard]] Result<Found> find(Path const& path, LastLink last = LastLink::follow) EXCLUDES(mutex_);
    /// errors    as find, of the folder; invalid_argument (the path is a mount point or the root)
    [[nodiscard]] Result<Place> find_place(Path const& path) EXCLUDES(mutex_);

    /// Calls `entry(name, kind)` for everything in a folder that find() returned, mount points and schemes included,
    /// without `.` and `..`.
    /// errors    not_a_directory, those of the file system and of `entry` (which ends the listing)
    template <typename Entry>
    [[nodiscard]] Result<> list(Found const& folder, Entry entry) EXCLUDES(mutex_);

private:
    [[nodiscard]] Result<Ref<Mount>> connect(std::string_view scheme, std::string_view path);
    [[nodiscard]] RefOrNull<Mount> mount_of(std::string_view path) EXCLUDES(mutex_);
    [[nodiscard]] RefOrNull<Mount> exact_mount(std::string_view path) EXCLUDES(mutex_);
    [[nodiscard]] Result<> add(Ref<Mount> mount) EXCLUDES(mutex_);
    [[nodiscard]] bool mount_scheme_of(std::string_view path);
    [[nodiscard]] Result<Found> walk(Path& path, LastLink last, bool& is_restarted);
    [[nodiscard]] bool is_file_system_scheme(std::string_view name) const;
    /// The `position`-th scheme that provides a file system; empty past the end.
    [[nodiscard]] Result<abi::SchemeInfo> scheme_at(std::uint32_t position) const;

    abi::SiloManagerClient manager_;
    Mutex mutex_;
    Vector<Ref<Mount>> mounts_ GUARDED_BY(mutex_);
};

/// One entry as FileSystem.read_directory packs it.
struct DirectoryEntry {
    std::uint64_t node = 0;
    std::uint64_t cursor = 0;
    abi::NodeKind kind = abi::NodeKind::file;
    std::string_view name;
};
/// Takes the next entry off `packed`.
/// errors    corrupt (it is cut off or of an unknown kind)
[[nodiscard]] Result<DirectoryEntry> take_entry(Bytes& packed);

template <typename Entry>
Result<> NameSpace::list(Found const& folder, Entry entry) {
    if (folder.attributes.kind != abi::NodeKind::directory)
        return fail(Error::not_a_directory);
    auto const client = folder.client();
    for (std::uint64_t cursor = 0;;) {
        auto const packed = TRY(client.read_directory(folder.attributes.node, cursor));
        if (packed.is_empty())
            break;
        auto rest = packed.view();
        while (!rest.empty()) {
            auto const found = TRY(take_entry(rest));
            cursor = found.cursor;
            if (found.name != "." && found.name != "..")
                TRY(entry(found.name, found.kind));
        }
    }
    // What is mounted here may hide an entry of the same name; the caller takes equal names for one.
    for (std::size_t position = 0;; ++position) {
        auto const mounted = mount_at(position);
        if (!mounted)
            break;
        Path path;
        TRY(path.go(mounted->path));
        if (!path.is_root() && path.parent() == folder.path.view())
            TRY(entry(path.last_component(), abi::NodeKind::directory));
    }
    if (!folder.path.is_root())
        return {};
    for (std::uint32_t position = 0;; ++position) {
        auto const scheme = scheme_at(position);
        if (!scheme)
            return {};
        if (scheme->interface.view() == "FileSystem")
            TRY(entry(scheme->scheme.view(), abi::NodeKind::directory));
    }
}

}  // namespace astrata::chevron
