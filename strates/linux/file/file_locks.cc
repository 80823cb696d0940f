#include "strates/linux/file/file_locks.h"

#include <array>
#include <new>
#include <utility>

#include "strates/linux/file/file.h"

namespace astrata::linux_abi {

namespace {

// Who waits for whose record lock, for finding cycles (fcntl(2), EDEADLK). Rarely more than a few; when the table is
// full, cycles through the newcomer go unnoticed, which costs the programs only the early error.
struct WaitEdge {
    void const* waiter = nullptr;
    void const* holder = nullptr;
};

class WaitGraph {
public:
    constexpr WaitGraph() = default;

    /// Returns false if the edge would close a cycle.
    bool add(void const* waiter, void const* holder) {
        Lock lock(mutex_);
        auto const* step = holder;
        for (std::size_t hops = 0; hops < edges_.size(); ++hops) {
            if (step == waiter)
                return false;
            auto const* next = find(step);
            if (next == nullptr)
                break;
            step = next->holder;
        }
        for (auto& edge : edges_) {
            if (edge.waiter == nullptr) {
                edge = {waiter, holder};
                break;
            }
        }
        return true;
    }
    void remove(void const* waiter) {
        Lock lock(mutex_);
        for (auto& edge : edges_) {
            if (edge.waiter == waiter) {
                edge = {};
                return;
            }
        }
    }

private:
    WaitEdge const* find(void const* waiter) const REQUIRES(mutex_) {
        for (auto const& edge : edges_) {
            if (edge.waiter == waiter)
                return &edge;
        }
        return nullptr;
    }

    Mutex mutex_;
    std::array<WaitEdge, 64> edges_ GUARDED_BY(mutex_) = {};
};

constinit WaitGraph wait_graph;

}  // namespace

FileLocks::~FileLocks() {
    // Nobody else knows the object any more; the lists still are guarded data.
    Lock lock(mutex_);
    while (auto* entry = records_.pop_front())
        delete entry;
    while (auto* entry = whole_files_.pop_front())
        delete entry;
}

LinuxResult<std::unique_ptr<FileLocks::Entry>> FileLocks::make_entry(RecordLock const& lock) {
    std::unique_ptr<Entry> entry(new (std::nothrow) Entry{.lock = lock});
    if (entry == nullptr)
        return fail(Errno::enomem);
    return entry;
}

FileLocks::Entry* FileLocks::conflict_locked(RecordLock const& lock) {
    for (auto& entry : records_) {
        if (entry.lock.owner != lock.owner && entry.lock.range.overlaps(lock.range) &&
            (entry.lock.is_exclusive || lock.is_exclusive))
            return &entry;
    }
    return nullptr;
}

// Takes `lock.range` away from what the owner holds and, with `keeps`, puts `lock` there instead.
LinuxResult<> FileLocks::replace_locked(RecordLock const& lock, bool keeps) {
    // Both that can fail come first: the new entry, and the second half of one that is cut in two.
    auto added = keeps ? LTRY(make_entry(lock)) : nullptr;
    auto second_half = LTRY(make_entry(lock));
    auto* entry = records_.front();
    while (entry != nullptr) {
        auto* next = List::next(*entry);
        auto& held = entry->lock;
        if (held.owner == lock.owner && held.range.overlaps(lock.range)) {
            bool const keeps_left = held.range.first < lock.range.first;
            bool const keeps_right = held.range.last > lock.range.last;
            if (keeps_left && keeps_right) {  // at most one entry of an owner can surround the range
                second_half->lock = held;
                second_half->lock.range.first = lock.range.last + 1;
                records_.insert_before(next, *second_half.release());
                held.range.last = lock.range.first - 1;
                break;
            }
            if (keeps_left) {
                held.range.last = lock.range.first - 1;
            } else if (keeps_right) {
                held.range.first = lock.range.last + 1;
            } else {
                records_.remove(*entry);
                delete entry;
            }
        }
        entry = next;
    }
    if (added != nullptr)
        records_.push_back(*added.release());
    return {};
}

LinuxResult<> FileLocks::set_record(RecordLock const& lock, bool blocking) {
    Lock guard(mutex_);
    while (auto* conflict = conflict_locked(lock)) {
        if (!blocking)
            return fail(Errno::eagain);
        if (!wait_graph.add(lock.owner, conflict->lock.owner))
            return fail(Errno::edeadlock);
        auto const waited = wait(released_, mutex_);
        wait_graph.remove(lock.owner);
        if (!waited)
            return waited;
    }
    LTRY(replace_locked(lock, true));
    released_.wake_all();  // an exclusive range may have become a shared one
    return {};
}

LinuxResult<> FileLocks::clear_record(void const* owner, LockRange range) {
    Lock guard(mutex_);
    LTRY(replace_locked({.range = range, .owner = owner}, false));
    released_.wake_all();
    return {};
}

std::optional<RecordLock> FileLocks::conflicting_record(RecordLock const& lock) {
    Lock guard(mutex_);
    if (auto const* entry = conflict_locked(lock); entry != nullptr)
        return entry->lock;
    return std::nullopt;
}

void FileLocks::release_records(void const* owner) {
    Lock guard(mutex_);
    bool released = false;
    auto* entry = records_.front();
    while (entry != nullptr) {
        auto* next = List::next(*entry);
        if (entry->lock.owner == owner) {
            records_.remove(*entry);
            delete entry;
            released = true;
        }
        entry = next;
    }
    if (released)
        released_.wake_all();
}

LinuxResult<> FileLocks::set_whole_file(File const& file, bool exclusive, bool blocking) {
    Lock guard(mutex_);
    // Changing the kind of a lock gives the old one up first (flock(2)).
    for (auto& entry : whole_files_) {
        if (entry.lock.owner == &file) {
            if (entry.lock.is_exclusive == exclusive)
                return {};
            whole_files_.remove(entry);
            delete &entry;
            released_.wake_all();
            break;
        }
    }
    for (;;) {
        bool is_free = true;
        for (auto const& entry : whole_files_)
            is_free = is_free && !(exclusive || entry.lock.is_exclusive);
        if (is_free)
            break;
        if (!blocking)
            return fail(Errno::eagain);
        LTRY(wait(released_, mutex_));
    }
    auto entry = LTRY(make_entry({.is_exclusive = exclusive, .owner = &file}));
    whole_files_.push_back(*entry.release());
    return {};
}

void FileLocks::release_whole_file(File const& file) {
    Lock guard(mutex_);
    for (auto& entry : whole_files_) {
        if (entry.lock.owner == &file) {
            whole_files_.remove(entry);
            delete &entry;
            released_.wake_all();
            return;
        }
    }
}

}  // namespace astrata::linux_abi
