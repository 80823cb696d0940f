#include "apps/chevron/names/name_space.h"

#include "apps/chevron/memory.h"

namespace astrata::chevron {

Result<DirectoryEntry> take_entry(Bytes& packed) {
    ByteReader reader(packed);
    DirectoryEntry entry;
    auto const node = reader.read<le64>();
    auto const cursor = reader.read<le64>();
    auto const kind = reader.read<std::uint8_t>();
    auto const length = reader.read<std::uint8_t>();
    if (!node || !cursor || !kind || !length || *kind > static_cast<std::uint8_t>(abi::NodeKind::socket))
        return fail(Error::corrupt);
    auto const name = reader.take(*length);
    if (!name || name->empty())
        return fail(Error::corrupt);
    entry = {.node = *node, .cursor = *cursor, .kind = static_cast<abi::NodeKind>(*kind), .name = as_text(*name)};
    packed = packed.last(reader.remaining());
    return entry;
}

Result<abi::SchemeInfo> NameSpace::scheme_at(std::uint32_t position) const {
    return manager_.scheme(position);
}

bool NameSpace::is_file_system_scheme(std::string_view name) const {
    for (std::uint32_t position = 0;; ++position) {
        auto const scheme = scheme_at(position);
        if (!scheme)
            return false;
        if (scheme->scheme.view() == name)
            return scheme->interface.view() == "FileSystem";
    }
}

Result<Ref<Mount>> NameSpace::connect(std::string_view scheme, std::string_view path) {
    auto mount = TRY(make_ref<Mount>());
    TRY(mount->path.assign(path));
    TRY(mount->scheme.assign(scheme));
    mount->endpoint = TRY(manager_.connect(scheme));
    mount->root = TRY(mount->client().root());
    return mount;
}

Result<> NameSpace::add(Ref<Mount> mount) {
    Lock lock(mutex_);
    if (mounts_.size() == mount_limit)
        return fail(Error::no_resources);
    for (auto const& other : mounts_) {
        if (other->path.view() == mount->path.view())
            return fail(Error::busy);
    }
    return mounts_.push_back(std::move(mount));
}

Result<> NameSpace::mount(std::string_view scheme, Path const& path) {
    if (!is_file_system_scheme(scheme)) {
        // Tell a scheme of another kind from one whose provider has not been started yet, which connecting does.
        for (std::uint32_t position = 0;; ++position) {
            auto const known = scheme_at(position);
            if (!known)
                break;
            if (known->scheme.view() == scheme)
                return fail(Error::wrong_type);
        }
    }
    return add(TRY(connect(scheme, path)));
}

Result<> NameSpace::unmount(Path const& path) {
    Lock lock(mutex_);
    std::size_t found = mounts_.size();
    bool is_busy = false;
    for (std::size_t position = 0; position < mounts_.size(); ++position) {
        auto const other = mounts_[position]->path.view();
        if (other == path.view())
            found = position;
        else
            is_busy |= is_within(path, other);
    }
    if (found == mounts_.size())
        return fail(Error::not_found);
    if (is_busy)
        return fail(Error::busy);
    mounts_.erase(found);
    return {};
}

RefOrNull<Mount> NameSpace::mount_at(std::size_t position) {
    Lock lock(mutex_);
    return position < mounts_.size() ? RefOrNull<Mount>(mounts_[position]) : nullptr;
}

RefOrNull<Mount> NameSpace::exact_mount(std::string_view path) {
    Lock lock(mutex_);
    for (auto const& mount : mounts_) {
        if (mount->path.view() == path)
            return mount;
    }
    return nullptr;
}

// The mount with the longest path that `path` lies in.
RefOrNull<Mount> NameSpace::mount_of(std::string_view path) {
    Lock lock(mutex_);
    Mount* best = nullptr;
    for (auto const& mount : mounts_) {
        if (is_within(mount->path, path) && (best == nullptr || mount->path.size() > best->path.size()))
            best = mount.get();
    }
    return best == nullptr ? RefOrNull<Mount>() : RefOrNull<Mount>(Ref<Mount>::share(*best));
}

// Mounts the scheme that the path's first component names, whose provider may start for it; false if there is none or it
// is mounted already.
bool NameSpace::mount_scheme_of(std::string_view path) {
    auto const component = take_component(path);
    Path place;
    return !component.empty() && place.go(component) && !exact_mount(place) && mount(component, place);
}

// Follows `path` to its end, or to the first symbolic link, which it replaces in `path` by what it points to.
Result<Found> NameSpace::walk(Path& path, LastLink last, bool& is_restarted) {
    is_restarted = false;
    auto const mount = mount_of(path);
    if (!mount)
        return fail(Error::not_found);
    auto const client = mount->client();
    Path reached;
    TRY(reached.go(mount->path));
    auto rest = path.view().substr(reached.is_root() ? 0 : reached.view().size());
    auto attributes = TRY(client.attributes(mount->root));
    for (;;) {
        auto const component = take_component(rest);
        if (component.empty())
            return Found{.mount = Ref<Mount>::share(*mount), .attributes = attributes, .path = reached};
        if (attributes.kind != abi::NodeKind::directory)
            return fail(Error::not_a_directory);
        if (component.size() > 255)
            return fail(Error::name_too_long);
        auto const next = TRY(client.lookup(attributes.node, component));
        if (next.kind == abi::NodeKind::symbolic_link && (last == LastLink::follow || !rest.empty())) {
            auto const target = TRY(client.read_link(next.node));
            // An absolute target counts from the root of its own file system.
            Path replaced;
            TRY(replaced.go(target.view().starts_with('/') ? std::string_view(mount->path) : reached.view()));
            auto const relative = target.view().substr(std::min(target.view().find_first_not_of('/'), target.size()));
            TRY(replaced.go(relative));
            auto const remaining = rest.substr(std::min(rest.find_first_not_of('/'), rest.size()));
            TRY(replaced.go(remaining));
            path = replaced;
            is_restarted = true;
            return Found{.mount = Ref<Mount>::share(*mount), .attributes = next, .path = replaced};
        }
        TRY(reached.go(component));
        attributes = next;
    }
}

Result<Found> NameSpace::find(Path const& path, LastLink last) {
    Path current = path;
    bool is_restarted = false;
    for (unsigned links = 0; links <= link_limit; ++links) {
        auto found = walk(current, last, is_restarted);
        if (found && !is_restarted)
            return found;
        if (!found) {
            // A scheme's name in the root counts where the root file system has no such entry.
            if (found.error() != Error::not_found || !mount_scheme_of(current))
                return found;
        }
    }
    return fail(Error::too_many_links);
}

Result<Place> NameSpace::find_place(Path const& path) {
    if (path.is_root() || exact_mount(path))
        return fail(Error::invalid_argument);
    Path folder;
    TRY(folder.go(path.parent()));
    auto const found = TRY(find(folder));
    if (found.attributes.kind != abi::NodeKind::directory)
        return fail(Error::not_a_directory);
    auto const name = path.last_component();
    if (name.size() > 255)
        return fail(Error::name_too_long);
    Place place = {.mount = found.mount, .directory = found.attributes.node, .path = found.path};
    TRY(place.path.go(name));
    return place;
}

}  // namespace astrata::chevron
