#include "strates/linux/filesystems/overlay/overlay_inode.h"

#include <algorithm>
#include <array>
#include <new>

#include "lib/base/units.h"
#include "strates/linux/core/make.h"
#include "strates/linux/file/special.h"
#include "strates/linux/filesystems/overlay/content_object.h"
#include "strates/linux/filesystems/overlay/overlay_file.h"
#include "strates/linux/filesystems/overlay/overlay_file_system.h"
#include "strates/linux/vfs/clock.h"

namespace astrata::linux_abi {

namespace {

/// Positions for readers of a directory: lower cursors as they are, then this plus the sequence numbers of our own
/// entries.
constexpr std::uint64_t own_entries_begin = std::uint64_t{1} << 62;

constexpr std::uint64_t capacity_step = 16 * page_size;

}  // namespace

OverlayInode::OverlayInode(FileSystem& file_system, Attributes const& attributes, std::optional<std::uint64_t> lower)
    : Inode(file_system, attributes), has_lower_(lower.has_value()), lower_(lower.value_or(0)) {}

OverlayInode::~OverlayInode() {
    if (auto const object = own_object_.load(std::memory_order_relaxed); object != 0)
        content_object::close(object);
    if (auto const object = lower_object_.load(std::memory_order_relaxed); object != 0)
        content_object::close(object);
    delete link_target_.load(std::memory_order_relaxed);
}

void OverlayInode::dispose() {
    overlay().forget(*this);
    delete this;
}

OverlayFileSystem& OverlayInode::overlay() const {
    return static_cast<OverlayFileSystem&>(file_system());
}

void OverlayInode::keep() {
    if (has_lower_)
        overlay().pin(*this);
}

LinuxResult<> OverlayInode::set_attributes(AttributeChange const& change) {
    keep();
    return Inode::set_attributes(change);
}

// ---- Directories ----

LinuxResult<LookupResult> OverlayInode::lookup(std::string_view name) {
    auto const hash = NameHash::of(name);
    if (auto* entry = entries_.find(name, hash); entry != nullptr) {
        if (entry->is_whiteout())
            return LookupResult{};
        return LookupResult{.inode = Ref<Inode>::share(*entry->inode)};
    }
    if (!has_lower_ || (lower_names_ != nullptr && lower_names_->lack(hash)))
        return LookupResult{};
    auto const found = overlay().lower().lookup(lower_, name);
    if (!found) {
        if (found.error() != Errno::enoent)
            return fail(found.error());
        if (lower_names_ == nullptr)
            lower_names_.reset(new (std::nothrow) LowerNames);
        if (lower_names_ != nullptr)
            lower_names_->note_miss(overlay().lower(), lower_);
        return LookupResult{};
    }
    return LookupResult{.inode = Ref<Inode>(LTRY(overlay().inode_of_lower(*found)))};
}

void OverlayInode::place_entry_locked(std::unique_ptr<OverlayEntry> entry) {
    if (auto* former = entries_.find(entry->name(), entry->hash); former != nullptr) {
        entry->hides_lower = former->hides_lower;
        entries_.erase(*former);
    }
    entries_.insert(std::move(entry));
    keep();
    change_times(true);
}

LinuxResult<OverlayInode::Removal> OverlayInode::prepare_removal_locked(std::string_view name) {
    Removal removal{.entry = entries_.find(name)};
    if (removal.entry == nullptr || removal.entry->hides_lower) {
        removal.whiteout = LTRY(EntryTable::make(name, nullptr));
        removal.whiteout->hides_lower = true;
    }
    return removal;
}

void OverlayInode::take_entry_locked(Removal removal) {
    if (removal.entry != nullptr)
        entries_.erase(*removal.entry);
    if (removal.whiteout != nullptr)
        entries_.insert(std::move(removal.whiteout));
    keep();
    change_times(true);
}

LinuxResult<Ref<OverlayInode>> OverlayInode::make_child(NewNode const& node) {
    auto const now = file_clock_ns();
    auto const type = static_cast<FileType>(node.mode & file_type_mask);
    auto child = LTRY(overlay().new_inode({
        .size = node.link_target.size(),
        .mode = node.mode,
        .uid = node.uid,
        .gid = node.gid,
        .links = type == FileType::directory ? 2u : 1u,
        .device = node.device,
        .accessed_ns = now,
        .modified_ns = now,
        .changed_ns = now,
        .created_ns = now,
    }));
    if (type == FileType::symbolic_link)
        LTRY(child->remember_link_target(node.link_target));
    return child;
}

LinuxResult<Ref<Inode>> OverlayInode::create(std::string_view name, NewNode const& node) {
    auto child = LTRY(make_child(node));
    place_entry_locked(LTRY(EntryTable::make(name, child.get())));
    if (child->is_directory())
        links_.fetch_add(1, std::memory_order_relaxed);
    return Ref<Inode>(std::move(child));
}

LinuxResult<Ref<Inode>> OverlayInode::create_unnamed(NewNode const& node) {
    auto child = LTRY(make_child(node));
    child->links_.store(0, std::memory_order_relaxed);
    return Ref<Inode>(std::move(child));
}

LinuxResult<> OverlayInode::link(std::string_view name, Inode& node) {
    auto& target = static_cast<OverlayInode&>(node);
    auto entry = LTRY(EntryTable::make(name, &target));
    if (target.links_.fetch_add(1, std::memory_order_relaxed) >= 65000) {
        target.links_.fetch_sub(1, std::memory_order_relaxed);
        return fail(Errno::emlink);
    }
    target.keep();
    target.change_times(false);
    place_entry_locked(std::move(entry));
    return {};
}

// The node has one name less; without names what was changed about it need not be kept either.
LinuxResult<> OverlayInode::drop_link() {
    change_times(false);
    if (is_directory() || links_.load(std::memory_order_relaxed) <= 1) {
        links_.store(0, std::memory_order_relaxed);
        if (has_lower_)
            overlay().unpin(*this);
        return {};
    }
    links_.fetch_sub(1, std::memory_order_relaxed);
    keep();
    return {};
}

LinuxResult<> OverlayInode::remove(std::string_view name, Inode& node) {
    auto& victim = static_cast<OverlayInode&>(node);
    auto removal = LTRY(prepare_removal_locked(name));
    if (victim.is_directory()) {
        // The caller holds the victim's mutex, which the analysis cannot connect with this cast.
        bool const is_empty = LTRY([&]() NO_THREAD_SAFETY_ANALYSIS { return victim.is_empty_locked(); }());
        if (!is_empty)
            return fail(Errno::enotempty);
        links_.fetch_sub(1, std::memory_order_relaxed);
    }
    take_entry_locked(std::move(removal));
    return victim.drop_link();
}

LinuxResult<> OverlayInode::rename(std::string_view name, Inode& node, Inode& new_directory, std::string_view new_name,
                                   Inode* replaced) {
    auto& moved = static_cast<OverlayInode&>(node);
    auto& target = static_cast<OverlayInode&>(new_directory);
    auto* victim = static_cast<OverlayInode*>(replaced);
    auto entry = LTRY(EntryTable::make(new_name, &moved));
    auto removal = LTRY(prepare_removal_locked(name));
    // The caller holds all the mutexes; the analysis does not see that of another inode.
    auto finish = [&]() NO_THREAD_SAFETY_ANALYSIS -> LinuxResult<> {
        if (victim != nullptr && victim->is_directory()) {
            if (!LTRY(victim->is_empty_locked()))
                return fail(Errno::enotempty);
            target.links_.fetch_sub(1, std::memory_order_relaxed);
        }
        // An entry replacing one of the lower directory hides it.
        bool const hides_lower = victim != nullptr && target.entries_.find(new_name) == nullptr;
        entry->hides_lower = hides_lower;
        if (auto* former = target.entries_.find(new_name); former != nullptr) {
            entry->hides_lower = former->hides_lower;
            target.entries_.erase(*former);
        }
        target.entries_.insert(std::move(entry));
        target.keep();
        target.change_times(true);
        take_entry_locked(std::move(removal));
        return {};
    };
    LTRY(finish());
    if (moved.is_directory() && &target != this) {
        links_.fetch_sub(1, std::memory_order_relaxed);
        target.links_.fetch_add(1, std::memory_order_relaxed);
    }
    moved.change_times(false);
    if (victim != nullptr)
        return victim->drop_link();
    return {};
}

LinuxResult<> OverlayInode::exchange(std::string_view name, Inode& node, Inode& other_directory,
                                     std::string_view other_name, Inode& other) {
    auto& first = static_cast<OverlayInode&>(node);
    auto& second = static_cast<OverlayInode&>(other);
    auto& target = static_cast<OverlayInode&>(other_directory);
    auto here = LTRY(EntryTable::make(name, &second));
    auto there = LTRY(EntryTable::make(other_name, &first));
    auto swap_in = [](OverlayInode& directory, std::unique_ptr<OverlayEntry> entry) NO_THREAD_SAFETY_ANALYSIS {
        auto* former = directory.entries_.find(entry->name());
        entry->hides_lower = former == nullptr || former->hides_lower;
        if (former != nullptr)
            directory.entries_.erase(*former);
        directory.entries_.insert(std::move(entry));
        directory.keep();
        directory.change_times(true);
    };
    swap_in(*this, std::move(here));
    swap_in(target, std::move(there));
    if (first.is_directory() != second.is_directory() && &target != this) {
        auto& gains = first.is_directory() ? target : *this;
        auto& loses = first.is_directory() ? *this : target;
        gains.links_.fetch_add(1, std::memory_order_relaxed);
        loses.links_.fetch_sub(1, std::memory_order_relaxed);
    }
    first.change_times(false);
    second.change_times(false);
    return {};
}

namespace {

bool is_dot_name(std::string_view name) {
    return name == "." || name == "..";
}

// Passes on the lower entries that nothing of ours hides.
class MergingSink final : public LowerEntrySink {
public:
    MergingSink(EntryTable const& entries, DirectorySink& sink) : entries_(entries), sink_(sink) {}

    bool add(std::string_view name, std::uint64_t node, FileType type, std::uint64_t next_cursor) override {
        if (!is_dot_name(name) && entries_.find(name) == nullptr && !sink_.add(name, node, type, next_cursor)) {
            is_full = true;
            return false;
        }
        cursor = next_cursor;
        return true;
    }

    std::uint64_t cursor = 0;
    bool is_full = false;

private:
    EntryTable const& entries_;
    DirectorySink& sink_;
};

class FindNameSink final : public LowerEntrySink {
public:
    explicit FindNameSink(EntryTable const& entries) : entries_(entries) {}
    bool add(std::string_view name, std::uint64_t, FileType, std::uint64_t next_cursor) override {
        cursor = next_cursor;
        has_found = !is_dot_name(name) && entries_.find(name) == nullptr;
        return !has_found;
    }

    std::uint64_t cursor = 0;
    bool has_found = false;

private:
    EntryTable const& entries_;
};

}  // namespace

LinuxResult<> OverlayInode::read_directory(std::uint64_t position, DirectorySink& sink) {
    if (has_lower_ && position < own_entries_begin) {
        MergingSink merging(entries_, sink);
        merging.cursor = position;
        while (LTRY(overlay().lower().read_directory(lower_, merging.cursor, merging))) {
            if (merging.is_full)
                return {};
            if (merging.cursor >= own_entries_begin)
                return fail(Errno::euclean);
        }
    }
    auto const sequence = position < own_entries_begin ? 0 : position - own_entries_begin;
    for (auto* entry = entries_.first_from(sequence); entry != nullptr; entry = entries_.next(*entry)) {
        if (!entry->is_whiteout() && !sink.add(entry->name(), entry->inode->number(), entry->inode->type(),
                                               own_entries_begin + entry->sequence + 1)) {
            entries_.expect_reader_at(*entry);
            return {};
        }
    }
    return {};
}

LinuxResult<bool> OverlayInode::lower_has_unhidden_names() {
    FindNameSink names(entries_);
    while (LTRY(overlay().lower().read_directory(lower_, names.cursor, names))) {
        if (names.has_found)
            return true;
    }
    return false;
}

LinuxResult<bool> OverlayInode::is_empty_locked() {
    if (entries_.has_names())
        return false;
    return !has_lower_ || !LTRY(lower_has_unhidden_names());
}

// ---- Symbolic links ----

std::string_view OverlayInode::cached_link_target() const {
    auto const* target = link_target_.load(std::memory_order_acquire);
    return target == nullptr ? std::string_view() : std::string_view(target->text.get(), target->length);
}

LinuxResult<> OverlayInode::remember_link_target(std::string_view text) {
    std::unique_ptr<LinkTarget> target(new (std::nothrow) LinkTarget);
    if (target == nullptr)
        return fail(Errno::enomem);
    target->text.reset(new (std::nothrow) char[text.size()]);
    if (target->text == nullptr)
        return fail(Errno::enomem);
    std::ranges::copy(text, target->text.get());
    target->length = text.size();
    LinkTarget* expected = nullptr;
    if (link_target_.compare_exchange_strong(expected, target.get(), std::memory_order_acq_rel))
        target.release();
    return {};
}

LinuxResult<std::size_t> OverlayInode::read_link(std::span<char> into) {
    if (!is_symbolic_link())
        return fail(Errno::einval);
    if (cached_link_target().empty() && has_lower_) {
        std::array<char, path_limit> text;
        auto const length = LTRY(overlay().lower().read_link(lower_, text));
        LTRY(remember_link_target(std::string_view(text.data(), length)));
    }
    auto const target = cached_link_target();
    auto const length = std::min(target.size(), into.size());
    std::ranges::copy(target.substr(0, length), into.begin());
    return length;
}

// ---- Contents ----

LinuxResult<Ref<File>> OverlayInode::open(Path const& path, std::uint32_t flags) {
    if (!is_regular())
        return open_by_type(*this, path, flags);
    return Ref<File>(LTRY(make_ref<OverlayFile>(path, flags)));
}

LinuxResult<abi::Handle> OverlayInode::lower_object_locked() {
    auto object = lower_object_.load(std::memory_order_acquire);
    if (object == 0) {
        object = LTRY(overlay().lower().open(lower_)).object;
        lower_object_.store(object, std::memory_order_release);
    }
    return object;
}

LinuxResult<abi::Handle> OverlayInode::make_object_to_read() {
    Lock lock(mutex_);
    if (auto const object = own_object_.load(std::memory_order_acquire); object != 0)
        return object;
    if (has_lower_)
        return lower_object_locked();
    return object_to_write_locked();
}

LinuxResult<abi::Handle> OverlayInode::object_to_write_locked(std::uint64_t bytes) {
    auto object = own_object_.load(std::memory_order_acquire);
    if (object != 0)
        return object;
    auto capacity = size();
    if (has_lower_ && capacity > 0) {
        auto const source = LTRY(lower_object_locked());
        object = LTRY(content_object::shadow(source, capacity));
    } else {
        capacity = align_up(std::max(capacity, bytes), capacity_step);
        object = LTRY(content_object::create(capacity));
    }
    capacity_ = capacity;
    own_object_.store(object, std::memory_order_release);
    keep();
    return object;
}

// Growth is by half at least, so that appending does not change the object's size with every write; pages nobody wrote
// to cost nothing.
LinuxResult<> OverlayInode::ensure_capacity_locked(abi::Handle object, std::uint64_t bytes) {
    if (bytes <= capacity_)
        return {};
    auto const wanted = align_up(std::max(bytes, capacity_ + capacity_ / 2), capacity_step);
    LTRY(content_object::set_size(object, wanted));
    capacity_ = wanted;
    return {};
}

LinuxResult<std::size_t> OverlayInode::write(IoBuffer& from, std::uint64_t& position, bool append) {
    if (from.remaining() == 0)
        return std::size_t{0};
    Lock lock(mutex_);
    if (append)
        position = size();
    if (position >= file_size_limit)
        return fail(Errno::efbig);
    auto const count = std::min(from.remaining(), file_size_limit - position);
    auto const object = LTRY(object_to_write_locked(position + count));
    LTRY(ensure_capacity_locked(object, position + count));
    auto const done = LTRY(from.transfer_to_object(object, position, count));
    position += done;
    if (position > size()) {
        size_.store(position, std::memory_order_release);
        blocks_512_.store(align_up(position, page_size) / 512, std::memory_order_relaxed);
    }
    change_times(true);
    return done;
}

LinuxResult<> OverlayInode::truncate(std::uint64_t size_wanted) {
    if (!is_regular())
        return fail(is_directory() ? Errno::eisdir : Errno::einval);
    if (size_wanted > file_size_limit)
        return fail(Errno::efbig);
    Lock lock(mutex_);
    auto const former = size();
    if (size_wanted == 0 && own_object_.load(std::memory_order_relaxed) == 0) {
        // Nothing of the lower contents will ever show: no need for a shadow.
        size_.store(0, std::memory_order_release);
    }
    if (size_wanted != former || size_wanted != size()) {
        auto const object = LTRY(object_to_write_locked());
        if (size_wanted < former) {
            size_.store(size_wanted, std::memory_order_release);
            LTRY(content_object::set_size(object, size_wanted));
            capacity_ = size_wanted;
        } else {
            LTRY(ensure_capacity_locked(object, size_wanted));
            size_.store(size_wanted, std::memory_order_release);
        }
        blocks_512_.store(align_up(size_wanted, page_size) / 512, std::memory_order_relaxed);
    }
    keep();
    change_times(true);
    return {};
}

LinuxResult<FileMapping> OverlayInode::map(MapRequest const& request) {
    if (!request.is_shared || !request.is_writable) {
        if (own_object_.load(std::memory_order_acquire) == 0 && has_lower_) {
            auto const object = LTRY(object_to_read());
            return FileMapping{.object = object, .offset = request.offset, .object_size = size()};
        }
    }
    Lock lock(mutex_);
    auto const object = LTRY(object_to_write_locked());
    // Pages beyond the end of the file must exist: a file that grows later shows its contents through the mapping.
    if (request.offset + request.length > capacity_) {
        LTRY(content_object::set_size(object, request.offset + request.length));
        capacity_ = request.offset + request.length;
    }
    return FileMapping{.object = object, .offset = request.offset, .object_size = capacity_};
}

LinuxResult<> OverlayInode::allocate(std::uint64_t offset, std::uint64_t length, bool keep_size, bool punch) {
    if (offset > file_size_limit || length > file_size_limit - offset)
        return fail(Errno::efbig);
    Lock lock(mutex_);
    auto const object = LTRY(object_to_write_locked());
    auto const end = offset + length;
    if (punch && offset < size())
        LTRY(content_object::zero(object, offset, std::min(end, size()) - offset));
    if (!keep_size && end > size()) {
        LTRY(ensure_capacity_locked(object, end));
        size_.store(end, std::memory_order_release);
        blocks_512_.store(align_up(end, page_size) / 512, std::memory_order_relaxed);
    }
    change_times(true);
    return {};
}

// ---- Extended attributes: those of the lower node ----

LinuxResult<std::size_t> OverlayInode::get_extended_attribute(std::string_view name, MutableBytes into) {
    if (!has_lower_)
        return fail(Errno::enodata);
    return overlay().lower().get_extended_attribute(lower_, name, into);
}

LinuxResult<std::size_t> OverlayInode::list_extended_attributes(MutableBytes into) {
    if (!has_lower_)
        return std::size_t{0};
    return overlay().lower().list_extended_attributes(lower_, into);
}

}  // namespace astrata::linux_abi
