#include "strates/linux/poll/wait_for_files.h"

#include <algorithm>
#include <new>

#include "strates/linux/file/file_table.h"

namespace astrata::linux_abi {

TaskPollTable::~TaskPollTable() {
    for (auto* block = &first_; block != nullptr; block = block->next.get()) {
        for (auto& entry : block->entries) {
            if (entry.queue != nullptr)
                entry.queue->remove(*entry.waiter);
        }
    }
    // Blocks are unlinked one by one: nested destruction of a long list would be deep.
    while (first_.next != nullptr)
        first_.next = std::move(first_.next->next);
}

void TaskPollTable::add(WaitQueue& queue) {
    if (used_in_last_ == last_->entries.size()) {
        last_->next.reset(new (std::nothrow) Block);
        if (last_->next == nullptr) {
            is_incomplete_ = true;
            return;
        }
        last_ = last_->next.get();
        used_in_last_ = 0;
    }
    auto& entry = last_->entries[used_in_last_++];
    entry.waiter.emplace();
    entry.queue = &queue;
    queue.add(*entry.waiter);
}

void TaskPollTable::reset() {
    for (auto* block = &first_; block != nullptr; block = block->next.get()) {
        for (auto& entry : block->entries) {
            if (entry.queue != nullptr)
                entry.waiter->reset();
        }
    }
}

namespace {

constexpr std::uint32_t always_reported = poll_event::error | poll_event::hang_up | poll_event::invalid;

// With a null `file`, the descriptor is not open.
bool is_ready(PollEntry& entry, File* file, PollTable* table) {
    if (file == nullptr)
        entry.ready = entry.descriptor < 0 ? 0 : poll_event::invalid;
    else
        entry.ready = file->poll(table) & (entry.wanted | always_reported);
    return entry.ready != 0;
}

std::size_t look_once(FileTable& files, std::span<PollEntry> entries) {
    std::size_t count = 0;
    for (auto& entry : entries) {
        auto const file = files.get(entry.descriptor);
        count += is_ready(entry, file ? &**file : nullptr, nullptr) ? 1 : 0;
    }
    return count;
}

std::size_t look_at_all(std::span<PollEntry> entries, std::span<RefOrNull<File> const> held, PollTable* table) {
    std::size_t count = 0;
    for (std::size_t index = 0; index < entries.size(); ++index) {
        auto const& file = held[index];
        // Once something is ready nobody will sleep, so no further queues are needed.
        count += is_ready(entries[index], file ? &*file : nullptr, count == 0 ? table : nullptr) ? 1 : 0;
    }
    return count;
}

}  // namespace

LinuxResult<std::size_t> wait_for_files(FileTable& files, std::span<PollEntry> entries, MonotonicNs deadline) {
    if (deadline.value == 0)
        return look_once(files, entries);
    // Looked up once: what another thread does to the descriptors meanwhile must not put us on the queues of a file
    // that nothing keeps alive.
    std::unique_ptr<RefOrNull<File>[]> const storage(new (std::nothrow) RefOrNull<File>[entries.size()]);
    if (storage == nullptr && !entries.empty())
        return fail(Errno::enomem);
#pragma clang unsafe_buffer_usage begin  // as long as `entries`
    std::span const held(storage.get(), entries.size());
#pragma clang unsafe_buffer_usage end
    for (std::size_t index = 0; index < entries.size(); ++index) {
        if (auto file = files.get(entries[index].descriptor); file)
            held[index] = std::move(*file);
    }
    TaskPollTable table;
    auto ready = look_at_all(entries, held, &table);
    if (table.is_incomplete())
        return fail(Errno::enomem);
    while (ready == 0) {
        auto const slept = sleep_task(deadline);
        table.reset();
        ready = look_at_all(entries, held, nullptr);
        if (!slept && ready == 0)
            return slept.error() == Errno::etimedout ? LinuxResult<std::size_t>(0) : fail(slept.error());
    }
    return ready;
}

}  // namespace astrata::linux_abi
