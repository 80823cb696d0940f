// A file, directory, link, device node... of a file system, apart from its names. File systems derive from Inode; path
// walk, permissions and the system calls know only this interface.
//
// Locks: `mutex()` of a directory is held by the callers of its lookup, create, ... (annotated), which is what makes
// "look up, then create" one step. Attributes are single words read without a lock; changes happen under `mutex()`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/vfs/constants.h"
#include "strates/linux/vfs/file_system.h"

namespace astrata::linux_abi {

class File;
class FileLocks;
class Inode;
class Pipe;
struct Path;

/// What stat() reports of a file, and what a new one begins with.
struct Attributes {
    std::uint64_t node = 0;
    std::uint64_t size = 0;
    std::uint64_t blocks_512 = 0;
    std::uint32_t mode = 0;  // with the type bits
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t links = 1;
    std::uint64_t device = 0;       // of a device node
    std::uint64_t file_system = 0;  // st_dev
    std::int64_t accessed_ns = 0;   // since 1970-01-01T00:00Z
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::int64_t created_ns = 0;
    std::uint32_t block_size = 4096;
};

/// Fields that chmod, chown, utimensat and write() change; absent ones stay.
struct AttributeChange {
    bool has_mode = false, has_uid = false, has_gid = false, has_accessed = false, has_modified = false;
    std::uint32_t mode = 0;  // permission, set-id and sticky bits only
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t accessed_ns = 0;
    std::int64_t modified_ns = 0;
};

/// What a new directory entry is to be; `mode` has the type bits.
struct NewNode {
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t device = 0;
    std::string_view link_target;  // of a symbolic link
};

/// Takes the entries of a directory one by one; false means no room, and the entry is offered again next time.
class DirectorySink {
public:
    /// next: the position to continue from after this entry.
    bool add(std::string_view name, std::uint64_t node, FileType type, std::uint64_t next) {
        next += shift_;
        if (!take(name, node, type, next))
            return false;
        position_ = next;
        return true;
    }
    /// Where the directory is to be continued.
    [[nodiscard]] std::uint64_t position() const { return position_; }
    void begin_at(std::uint64_t position) { position_ = position; }
    /// Positions given from now on count from this one.
    void shift(std::uint64_t by) { shift_ = by; }

protected:
    ~DirectorySink() = default;
    virtual bool take(std::string_view name, std::uint64_t node, FileType type, std::uint64_t next) = 0;

private:
    std::uint64_t position_ = 0;
    std::uint64_t shift_ = 0;
};

struct LookupResult {
    RefOrNull<Inode> inode;     // absent: there is no such entry
    bool may_be_cached = true;  // false where entries come and go on their own (/proc/PID)
};

class Inode : public RefCounted<Inode> {
public:
    static void destroy(Inode* inode) { inode->dispose(); }

    [[nodiscard]] FileSystem& file_system() const { return *file_system_; }
    [[nodiscard]] std::uint64_t number() const { return number_; }
    [[nodiscard]] FileType type() const { return type_; }
    [[nodiscard]] bool is_directory() const { return type_ == FileType::directory; }
    [[nodiscard]] bool is_symbolic_link() const { return type_ == FileType::symbolic_link; }
    [[nodiscard]] bool is_regular() const { return type_ == FileType::regular; }

    [[nodiscard]] std::uint32_t permissions() const {
        return mode_.load(std::memory_order_relaxed);
    }  ///< mode without type bits
    [[nodiscard]] std::uint32_t uid() const { return uid_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t gid() const { return gid_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t links() const { return links_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t size() const { return size_.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint64_t device() const { return device_; }
    /// Removed directories accept no new entries.
    [[nodiscard]] bool is_removed() const { return is_removed_.load(std::memory_order_relaxed); }

    [[nodiscard]] Mutex& mutex() RETURN_CAPABILITY(mutex_) { return mutex_; }

    /// Filled in place: stat's path is short, and a hundred bytes copied from result to result show there.
    virtual LinuxResult<> read_attributes(Attributes& into);
    LinuxResult<Attributes> attributes();
    /// Who may is the caller's affair. Changes the times that follow from it too.
    virtual LinuxResult<> set_attributes(AttributeChange const& change);
    /// errors    einval (not a regular file), efbig, enomem
    virtual LinuxResult<> truncate(std::uint64_t size);

    // ---- Directories; the defaults refuse with ENOTDIR or EPERM. Names are valid (1 to 255 bytes, no slash, not . or
    // ..) ----

    virtual LinuxResult<LookupResult> lookup(std::string_view name) REQUIRES(mutex_);
    virtual LinuxResult<Ref<Inode>> create(std::string_view name, NewNode const& node) REQUIRES(mutex_);
    /// A regular file without a name (O_TMPFILE).
    virtual LinuxResult<Ref<Inode>> create_unnamed(NewNode const& node) REQUIRES(mutex_);
    virtual LinuxResult<> link(std::string_view name, Inode& node) REQUIRES(mutex_);
    /// Removes the entry `name`, which is `node`. An emptied directory (its mutex is held too) is checked by the file
    /// system: enotempty.
    virtual LinuxResult<> remove(std::string_view name, Inode& node) REQUIRES(mutex_);
    /// Moves entry `name`, which is `node`, to `new_directory` (whose mutex is held), replacing `replaced` if there is
    /// one. Kinds have been checked; an emptied directory being replaced is checked by the file system.
    virtual LinuxResult<> rename(std::string_view name, Inode& node, Inode& new_directory, std::string_view new_name,
                                 Inode* replaced) REQUIRES(mutex_);
    /// Swaps two entries (RENAME_EXCHANGE).
    virtual LinuxResult<> exchange(std::string_view name, Inode& node, Inode& other_directory,
                                   std::string_view other_name, Inode& other) REQUIRES(mutex_);
    /// Offers entries from `position` on, without . and .., until the sink is full or all are done.
    virtual LinuxResult<> read_directory(std::uint64_t position, DirectorySink& sink) REQUIRES(mutex_);

    // ---- Symbolic links ----

    /// The target if it is at hand without waiting; empty if read_link has to be asked. Stays valid as long as the
    /// inode.
    [[nodiscard]] virtual std::string_view cached_link_target() const { return {}; }
    /// Copies the target, cut to the buffer, and returns its length. May wait.
    virtual LinuxResult<std::size_t> read_link(std::span<char> into);
    /// A link that leads to an object and not to a name (/proc/self/fd/3): `is_magic_link`, then follow_magic_link
    /// instead of read_link in walks.
    [[nodiscard]] virtual bool is_magic_link() const { return false; }
    virtual LinuxResult<Path> follow_magic_link();

    // ---- Contents ----

    /// A new open file description. Permissions have been checked, truncation is the caller's next step.
    virtual LinuxResult<Ref<File>> open(Path const& path, std::uint32_t flags);

    // ---- Extended attributes ----

    /// Returns the value's length; copies it if it fits, erange if not (an empty buffer asks for the length).
    virtual LinuxResult<std::size_t> get_extended_attribute(std::string_view name, MutableBytes into);
    /// Names, each ended by NUL.
    virtual LinuxResult<std::size_t> list_extended_attributes(MutableBytes into);

    /// Advisory locks on it; null as long as nobody took one.
    [[nodiscard]] FileLocks* locks() const { return locks_.load(std::memory_order_acquire); }
    /// errors    enomem
    LinuxResult<FileLocks*> make_locks();

    /// The pipe of a FIFO that is open somewhere; guarded by the FIFO mutex (pipe/pipe.cc).
    Pipe* fifo = nullptr;

    /// For the file system and path operations.
    void mark_removed() { is_removed_.store(true, std::memory_order_relaxed); }

protected:
    Inode(FileSystem& file_system, Attributes const& attributes);
    virtual ~Inode();
    /// Called when the last reference is gone.
    virtual void dispose() { delete this; }

    void change_times(bool modified) {
        auto const now = wall_clock_ns();
        changed_ns_.store(now, std::memory_order_relaxed);
        if (modified)
            modified_ns_.store(now, std::memory_order_relaxed);
    }
    static std::int64_t wall_clock_ns();

    Ref<FileSystem> const file_system_;  // whose end the inode's outlasts: cached entries survive an unmount
    std::uint64_t const number_;
    FileType const type_;
    std::uint64_t const device_;
    std::atomic<std::uint32_t> mode_;
    std::atomic<std::uint32_t> uid_;
    std::atomic<std::uint32_t> gid_;
    std::atomic<std::uint32_t> links_;
    std::atomic<std::uint64_t> size_;
    std::atomic<std::uint64_t> blocks_512_;
    std::atomic<std::int64_t> accessed_ns_;
    std::atomic<std::int64_t> modified_ns_;
    std::atomic<std::int64_t> changed_ns_;
    std::int64_t const created_ns_;
    std::atomic<bool> is_removed_ = false;
    std::atomic<FileLocks*> locks_ = nullptr;  // owned
    Mutex mutex_;

    friend class RefCounted<Inode>;
};

}  // namespace astrata::linux_abi
