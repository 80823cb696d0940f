#include "strates/linux/vfs/walk.h"

#include <algorithm>
#include <new>

#include "strates/linux/vfs/permissions.h"

namespace astrata::linux_abi {

namespace {

constexpr bool is_dot(std::string_view name) {
    return name.size() == 1 && name.front() == '.';
}
constexpr bool is_dot_dot(std::string_view name) {
    return name.size() == 2 && name.front() == '.' && name.back() == '.';
}

}  // namespace

LinuxResult<> Walker::walk(std::string_view path, LastComponent last) {
    if (path.empty())
        return fail(Errno::enoent);
    rest_ = path;
    has_trailing_slash_ = path.back() == '/';
    return go_on(last);
}

LinuxResult<Path> Walker::resolve(std::string_view path, LastComponent last) {
    LTRY(walk(path, last));
    return Path{Ref<Mount>::adopt(*held_mount_.leak()), Ref<Dentry>::adopt(*held_entry_.leak())};
}

LinuxResult<ParentOfLast> Walker::resolve_parent(std::string_view path) {
    LTRY(walk(path, LastComponent::parent));
    return take_parent();
}

LinuxResult<ParentOfLast> Walker::resolve_parent_through_link(ParentOfLast const& link_parent, Path const& link) {
    held_mount_ = link_parent.directory.mount;
    held_entry_ = link_parent.directory.dentry;
    mount_ = held_mount_.get();
    entry_ = held_entry_.get();
    link_ = link.dentry;
    rest_ = {};
    LTRY(follow_link_slowly());
    LTRY(go_on(LastComponent::parent));
    return take_parent();
}

ParentOfLast Walker::take_parent() {
    ParentOfLast result{
        .directory = {Ref<Mount>::adopt(*held_mount_.leak()), Ref<Dentry>::adopt(*held_entry_.leak())},
        .name = component_,
        .name_hash = component_hash_,
        .is_dot = is_dot(component_),
        .is_dot_dot = is_dot_dot(component_),
        .has_trailing_slash = has_trailing_slash_,
    };
    if (result.is_dot || result.is_dot_dot)
        result.name = {};
    return result;
}

LinuxResult<> Walker::go_on(LastComponent last) {
    for (;;) {
        // The references of the slow part before are dropped without the mutex, at the end of this round.
        auto const former_mount = std::move(held_mount_);
        auto const former_entry = std::move(held_entry_);
        RefOrNull<Dentry> former_found;
        LinuxResult<Step> step = Step::done;
        {
            Lock lock(tree().mutex());
            begin_locked();
            step = run_cached_locked(last);
            held_mount_ = Ref<Mount>::share(*mount_);
            held_entry_ = Ref<Dentry>::share(*entry_);
            former_found = std::move(found_);
        }
        if (!step)
            return fail(step.error());
        switch (*step) {
        case Step::done: return {};
        case Step::lookup: LTRY(look_up_slowly()); break;
        case Step::link: LTRY(follow_link_slowly()); break;
        }
    }
}

void Walker::begin_locked() {
    if (is_at_root_next_ || (!has_begun_ && !rest_.empty() && rest_.front() == '/')) {
        return_to_root_locked();
    } else if (!has_begun_ && mount_ == nullptr) {
        auto const& place = start_.directory != nullptr ? *start_.directory : start_.context.working_directory_locked();
        mount_ = place.mount.get();
        entry_ = place.dentry.get();
    }
    has_begun_ = true;
}

void Walker::return_to_root_locked() {
    auto const& root = start_.context.root_locked();
    mount_ = root.mount.get();
    entry_ = root.dentry.get();
    is_at_root_next_ = false;
}

// Moves the next component from rest_ to component_; false at the end of the path.
bool Walker::take_component() {
    component_ = {};
    while (!rest_.empty() && rest_.front() == '/')
        rest_.remove_prefix(1);
    if (rest_.empty())
        return false;
    auto const name = scan_name(rest_);
    component_ = rest_.substr(0, name.length);
    component_hash_ = name.hash;
    rest_.remove_prefix(name.length);
    while (!rest_.empty() && rest_.front() == '/')
        rest_.remove_prefix(1);
    is_component_last_ = rest_.empty();
    return true;
}

LinuxResult<Walker::Step> Walker::run_cached_locked(LastComponent last) {
    Dentry* found = found_.get();  // answers the first lookup only
    for (;;) {
        if (!is_component_pending_ && !take_component()) {
            // The path, or what a link led to, was only slashes, or a magic link's target is the goal itself.
            if (has_trailing_slash_ && !entry_->inode()->is_directory())
                return fail(Errno::enotdir);
            return Step::done;
        }
        is_component_pending_ = false;
        Inode const& directory = *entry_->inode();
        if (!directory.is_directory())
            return fail(Errno::enotdir);
        if (!may_search(directory, start_.credentials))
            return fail(Errno::eacces);
        if (component_.size() > name_limit)
            return fail(Errno::enametoolong);
        if (is_component_last_ && last == LastComponent::parent)
            return Step::done;
        if (component_.front() == '.') {
            if (is_dot(component_))
                continue;
            if (is_dot_dot(component_)) {
                go_up_locked();
                continue;
            }
        }

        auto* child = std::exchange(found, nullptr);
        if (child == nullptr)
            child = tree().cache_locked().find(*entry_, component_, component_hash_);
        if (child == nullptr) {
            is_component_pending_ = true;
            return Step::lookup;
        }
        if (child->is_negative())
            return fail(Errno::enoent);
        Inode const& inode = *child->inode();
        if (inode.is_symbolic_link() && (!is_component_last_ || last == LastComponent::follow || has_trailing_slash_)) {
            auto const target = inode.cached_link_target();
            if (target.empty()) {
                link_ = Ref<Dentry>::share(*child);
                return Step::link;
            }
            LTRY(count_link());
            LTRY(substitute(target));
            if (is_at_root_next_)
                return_to_root_locked();
            continue;
        }
        entry_ = child;
        if (child->is_mount_point())
            descend_mounts_locked();
    }
}

void Walker::descend_mounts_locked() {
    while (entry_->is_mount_point()) {
        auto* mount = tree().mount_on_locked(*mount_, *entry_);
        if (mount == nullptr)
            return;
        mount_ = mount;
        entry_ = &mount->root();
    }
}

void Walker::go_up_locked() {
    auto const& root = start_.context.root_locked();
    for (;;) {
        if (entry_ == root.dentry.get() && mount_ == root.mount.get())
            return;
        if (entry_ != &mount_->root())
            break;
        if (mount_->parent() == nullptr)
            return;
        entry_ = mount_->mount_point();
        mount_ = mount_->parent();
    }
    if (entry_->parent() != nullptr)
        entry_ = entry_->parent();
    descend_mounts_locked();
}

LinuxResult<> Walker::look_up_slowly() {
    auto& directory = *held_entry_->inode();
    Lock lock(directory.mutex());
    found_ = LTRY(look_up_child(*held_entry_, directory, component_));
    return {};
}

LinuxResult<> Walker::follow_link_slowly() {
    auto const link = std::move(link_);
    auto& inode = *link->inode();
    LTRY(count_link());
    if (inode.is_magic_link()) {
        auto path = LTRY(inode.follow_magic_link());
        held_mount_ = std::move(path.mount);
        held_entry_ = std::move(path.dentry);
        mount_ = held_mount_.get();
        entry_ = held_entry_.get();
        component_ = {};
        return {};
    }
    auto const target = inode.cached_link_target();
    if (!target.empty())
        return substitute(target);
    std::unique_ptr<Text> text(new (std::nothrow) Text);
    if (text == nullptr)
        return fail(Errno::enomem);
    auto const length = LTRY(inode.read_link(*text));
    if (length == 0)
        return fail(Errno::enoent);
    return substitute(std::string_view(text->data(), length));
}

LinuxResult<> Walker::count_link() {
    if (++links_followed_ > symbolic_link_limit)
        return fail(Errno::eloop);
    return {};
}

// What is left of the path becomes the link's target followed by what was left.
LinuxResult<> Walker::substitute(std::string_view target) {
    auto const next = 1 - text_in_use_;
    if (texts_[next] == nullptr) {
        texts_[next].reset(new (std::nothrow) Text);
        if (texts_[next] == nullptr)
            return fail(Errno::enomem);
    }
    bool const needs_slash = !rest_.empty() || has_trailing_slash_;
    auto const length = target.size() + (needs_slash ? 1 : 0) + rest_.size();
    if (length >= path_limit)
        return fail(Errno::enametoolong);
    std::span<char> const text(*texts_[next]);
    std::ranges::copy(target, text.begin());
    if (needs_slash)
        text[target.size()] = '/';
    std::ranges::copy(rest_, text.subspan(length - rest_.size()).begin());
    rest_ = std::string_view(texts_[next]->data(), length);
    has_trailing_slash_ = rest_.back() == '/';
    text_in_use_ = next;
    is_at_root_next_ = rest_.front() == '/';
    return {};
}

namespace {

enum class IfAbsent : bool { remember, forget };

LinuxResult<RefOrNull<Dentry>> find_or_look_up(Dentry& directory, Inode& inode, std::string_view name,
                                               std::uint32_t hash, IfAbsent if_absent) REQUIRES(inode.mutex()) {
    {
        Lock lock(tree().mutex());
        if (auto* entry = tree().cache_locked().find(directory, name, hash); entry != nullptr)
            return if_absent == IfAbsent::forget && entry->is_negative()
                       ? RefOrNull<Dentry>()
                       : RefOrNull<Dentry>(Ref<Dentry>::share(*entry));
    }
    if (name.size() > name_limit)
        return fail(Errno::enametoolong);
    if (inode.is_removed())
        return fail(Errno::enoent);
    auto result = LTRY(inode.lookup(name));
    if (!result.inode && if_absent == IfAbsent::forget)
        return RefOrNull<Dentry>();
    return RefOrNull<Dentry>(LTRY(tree().remember(directory, name, hash, result.inode.get(), result.may_be_cached)));
}

}  // namespace

LinuxResult<Ref<Dentry>> look_up_child(Dentry& directory, Inode& inode, std::string_view name) {
    return Ref<Dentry>::adopt(*LTRY(find_or_look_up(directory, inode, name, NameHash::of(name), IfAbsent::remember)).leak());
}

LinuxResult<RefOrNull<Dentry>> find_child(Dentry& directory, Inode& inode, std::string_view name, std::uint32_t hash) {
    return find_or_look_up(directory, inode, name, hash, IfAbsent::forget);
}

Path topmost(Path path) {
    for (;;) {
        RefOrNull<Mount> mount;
        RefOrNull<Dentry> entry;
        {
            Lock lock(tree().mutex());
            if (!path.dentry->is_mount_point())
                return path;
            auto* on_top = tree().mount_on_locked(*path.mount, *path.dentry);
            if (on_top == nullptr)
                return path;
            mount = Ref<Mount>::share(*on_top);
            entry = Ref<Dentry>::share(on_top->root());
        }
        path = {Ref<Mount>::adopt(*mount.leak()), Ref<Dentry>::adopt(*entry.leak())};
    }
}

}  // namespace astrata::linux_abi
