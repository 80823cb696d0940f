// File descriptors: what CLONE_FILES shares.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/file/file.h"

namespace astrata::linux_abi {

/// The file of a descriptor for as long as one system call lasts.
class BorrowedFile {
public:
    BorrowedFile(BorrowedFile&& other) noexcept
        : file_(other.file_), is_counted_(std::exchange(other.is_counted_, false)) {}
    BorrowedFile& operator=(BorrowedFile&&) = delete;
    ~BorrowedFile() {
        if (is_counted_) [[unlikely]]
            file_->drop_reference();
    }
    File& operator*() const { return *file_; }
    File* operator->() const { return file_; }
    /// Whether the file is known here and nowhere else.
    [[nodiscard]] File::Reach reach() const {
        return !is_counted_ && file_->reference_count() == 1 ? File::Reach::sole : File::Reach::shared;
    }

private:
    friend class FileTable;
    BorrowedFile(File& file, bool is_counted) : file_(&file), is_counted_(is_counted) {}
    File* file_;
    bool is_counted_;
};

class FileTable : public RefCounted<FileTable> {
public:
    static void destroy(FileTable* table);
    static constexpr std::size_t descriptor_limit = 65536;  ///< whatever RLIMIT_NOFILE says

    static LinuxResult<Ref<FileTable>> create();
    /// For fork, and for exec of a task that shares its table.
    [[nodiscard]] LinuxResult<Ref<FileTable>> clone();

    /// errors    ebadf
    [[nodiscard]] LinuxResult<Ref<File>> get(std::int32_t descriptor);
    /// The same for the calling task's own table and the present call only. Budget: 12 instructions while no other task
    /// shares the table (read_zero_1): such a table is changed by its task's own calls alone, and procfs, which may
    /// look at it, changes nothing.
    /// errors    ebadf
    [[nodiscard]] LinuxResult<BorrowedFile> borrow(std::int32_t descriptor) {
        if (auto* const file = own(descriptor); file != nullptr) [[likely]]
            return BorrowedFile(*file, false);
        return borrow_shared(descriptor);
    }
    /// The same where no other task shares the table; null elsewhere, and for a descriptor that is none.
    [[nodiscard]] File* own(std::int32_t descriptor) NO_THREAD_SAFETY_ANALYSIS {
        if (reference_count() != 1) [[unlikely]]
            return nullptr;
        std::atomic_thread_fence(
            std::memory_order_acquire);  // a task that shared the table may have changed it before it ended
        auto const index = static_cast<std::uint32_t>(descriptor);
        return index < slots_.size() ? slots_[index].file.get() : nullptr;
    }
    /// The lowest free descriptor from `lowest` on becomes `file`'s.
    /// limit     RLIMIT_NOFILE
    /// errors    emfile, enomem
    LinuxResult<std::int32_t> insert(Ref<File> file, bool close_on_exec, std::uint64_t limit, std::int32_t lowest = 0);
    /// dup2: `descriptor` becomes `file`'s; what it was is closed.
    /// errors    ebadf (out of range), enomem
    LinuxResult<> replace(std::int32_t descriptor, Ref<File> file, bool close_on_exec, std::uint64_t limit);
    /// errors    ebadf
    LinuxResult<> close(std::int32_t descriptor);
    /// close_range(2), both ends included; with `only_mark`, sets close-on-exec instead.
    void close_range(std::uint32_t first, std::uint32_t last, bool only_mark);
    /// For exec.
    void close_marked();
    /// errors    ebadf
    LinuxResult<bool> is_close_on_exec(std::int32_t descriptor);
    LinuxResult<> set_close_on_exec(std::int32_t descriptor, bool close_on_exec);

    /// The first descriptor in use from `from` on, or -1; for /proc/PID/fd.
    [[nodiscard]] std::int32_t next_used(std::int32_t from);
    /// How many slots there are (FDSize of /proc/PID/status).
    [[nodiscard]] std::size_t slot_count();

private:
    struct Slot {
        RefOrNull<File> file;
        bool close_on_exec = false;
    };
    FileTable() = default;
    ~FileTable() = default;
    friend class RefCounted<FileTable>;

    [[nodiscard]] Slot* find_locked(std::int32_t descriptor) REQUIRES(mutex_);
    LinuxResult<BorrowedFile> borrow_shared(std::int32_t descriptor);
    LinuxResult<> grow_locked(std::size_t slots) REQUIRES(mutex_);
    void release(RefOrNull<File> file);

    static constexpr std::size_t inline_slots = 32;
    Mutex mutex_;
    std::array<Slot, inline_slots> inline_ GUARDED_BY(mutex_);
    std::unique_ptr<Slot[]> heap_ GUARDED_BY(mutex_);  // once inline_ does not suffice
    std::span<Slot> slots_ GUARDED_BY(mutex_);
    std::size_t lowest_free_ GUARDED_BY(mutex_) = 0;  // none below it is free
};

}  // namespace astrata::linux_abi
