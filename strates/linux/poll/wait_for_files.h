// Waiting for several files at once: the core of poll and select.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "lib/base/units.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/wait.h"
#include "strates/linux/file/file.h"

namespace astrata::linux_abi {

class FileTable;

/// One file that poll watches.
struct PollEntry {
    std::int32_t descriptor = -1;  // negative: skipped
    std::uint32_t wanted = 0;      // poll_event bits; error, hang_up and invalid are always reported
    std::uint32_t ready = 0;
};

/// Waits until an entry is ready or `deadline` (0: looks only) and fills in what is ready.
/// returns   how many entries are
/// errors    erestartsys, enomem
LinuxResult<std::size_t> wait_for_files(FileTable& files, std::span<PollEntry> entries, MonotonicNs deadline);

/// A poll table that wakes the calling task.
class TaskPollTable final : public PollTable {
public:
    TaskPollTable() = default;
    TaskPollTable(TaskPollTable const&) = delete;
    ~TaskPollTable();

    void add(WaitQueue& queue) override;
    /// Ran out of memory: some queue does not wake us.
    [[nodiscard]] bool is_incomplete() const { return is_incomplete_; }
    /// Forgets wake-ups so far, before the files are looked at again.
    void reset();

private:
    struct Entry {
        std::optional<TaskWaiter> waiter;
        WaitQueue* queue = nullptr;
    };
    struct Block {
        std::array<Entry, 16> entries;
        std::unique_ptr<Block> next;
    };
    Block first_;
    Block* last_ = &first_;
    std::size_t used_in_last_ = 0;
    bool is_incomplete_ = false;
};

}  // namespace astrata::linux_abi
