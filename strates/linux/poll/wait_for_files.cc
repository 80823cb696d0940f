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

std::size_t look_at_all(FileTable& files, std::span<PollEntry> entries, PollTable* table) {
    std::size_t count = 0;
    for (auto& entry : entries) {
        entry.ready = 0;
        if (entry.descriptor < 0)
            continue;
        auto const file = files.get(entry.descriptor);
        if (!file) {
            entry.ready = poll_event::invalid;
        } else {
            // Once something is ready nobody will sleep, so no further queues are needed.
            auto* const queues = count == 0 ? table : nullptr;
            entry.ready = (*file)->poll(queues) & (entry.wanted | always_reported);
        }
        if (entry.ready != 0)
            ++count;
    }
    return count;
}

}  // namespace

LinuxResult<std::size_t> wait_for_files(FileTable& files, std::span<PollEntry> entries, MonotonicNs deadline) {
    if (deadline.value == 0)
        return look_at_all(files, entries, nullptr);
    // A file closed by another thread while we wait keeps its queues: the table must not outlive them.
    std::unique_ptr<RefOrNull<File>[]> const held(new (std::nothrow) RefOrNull<File>[entries.size()]);
    if (held == nullptr && !entries.empty())
        return fail(Errno::enomem);
    for (std::size_t index = 0; index < entries.size(); ++index) {
        if (auto file = files.get(entries[index].descriptor); file) {
#pragma clang unsafe_buffer_usage begin  // as long as `entries`
            held[index] = std::move(*file);
#pragma clang unsafe_buffer_usage end
        }
    }
    TaskPollTable table;
    auto ready = look_at_all(files, entries, &table);
    if (table.is_incomplete())
        return fail(Errno::enomem);
    while (ready == 0) {
        auto const slept = sleep_task(deadline);
        table.reset();
        ready = look_at_all(files, entries, nullptr);
        if (!slept && ready == 0)
            return slept.error() == Errno::etimedout ? LinuxResult<std::size_t>(0) : fail(slept.error());
    }
    return ready;
}

}  // namespace astrata::linux_abi
