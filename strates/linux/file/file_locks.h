// Advisory locks on one file: byte ranges that belong to a process (fcntl(2) F_SETLK), ranges that belong to an open
// file description (F_OFD_SETLK) and whole-file locks (flock(2)). The two families do not see each other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "lib/base/intrusive_list.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/core/wait.h"

namespace astrata::linux_abi {

class File;

/// A byte range, last byte included; `last` = ~0 reaches to whatever the end may become.
struct LockRange {
    std::uint64_t first = 0;
    std::uint64_t last = ~std::uint64_t{0};

    [[nodiscard]] bool overlaps(LockRange other) const { return first <= other.last && other.first <= last; }
};

struct RecordLock {
    LockRange range;
    bool is_exclusive = false;
    /// Whose it is: a process's FileTable, or the File for OFD locks. Only compared.
    void const* owner = nullptr;
    std::uint32_t process = 0;  // for F_GETLK; 0 (shown as -1) for OFD locks
};

class FileLocks {
public:
    FileLocks() = default;
    FileLocks(FileLocks const&) = delete;
    ~FileLocks();

    /// Sets a range, replacing what the owner holds in it. With `blocking`, waits for others.
    /// errors    eagain (held by others, not blocking), edeadlock (waiting would close a cycle), enomem, erestartsys
    LinuxResult<> set_record(RecordLock const& lock, bool blocking);
    /// Gives a range up.
    /// errors    enomem (cutting a hole into a range)
    LinuxResult<> clear_record(void const* owner, LockRange range);
    /// A lock of another owner that conflicts with `lock`.
    [[nodiscard]] std::optional<RecordLock> conflicting_record(RecordLock const& lock);
    /// Everything that `owner` holds.
    void release_records(void const* owner);

    /// flock(2).
    /// errors    eagain, enomem, erestartsys
    LinuxResult<> set_whole_file(File const& file, bool exclusive, bool blocking);
    void release_whole_file(File const& file);

private:
    struct Entry {
        ListLink<Entry> link;
        RecordLock lock;
    };
    using List = IntrusiveList<Entry, &Entry::link>;
    Entry* conflict_locked(RecordLock const& lock) REQUIRES(mutex_);
    LinuxResult<> replace_locked(RecordLock const& lock, bool keeps) REQUIRES(mutex_);
    static LinuxResult<std::unique_ptr<Entry>> make_entry(RecordLock const& lock);

    Mutex mutex_;
    WaitQueue released_;
    List records_ GUARDED_BY(mutex_);
    List whole_files_ GUARDED_BY(mutex_);
};

}  // namespace astrata::linux_abi
