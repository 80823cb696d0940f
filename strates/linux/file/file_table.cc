#include "strates/linux/file/file_table.h"

#include <algorithm>
#include <new>

namespace astrata::linux_abi {

LinuxResult<Ref<FileTable>> FileTable::create() {
    auto* table = new (std::nothrow) FileTable;
    if (table == nullptr)
        return fail(Errno::enomem);
    {
        Lock lock(table->mutex_);
        table->slots_ = table->inline_;
    }
    return Ref<FileTable>::adopt(*table);
}

void FileTable::destroy(FileTable* table) {
    table->close_range(0, ~0u, false);
    delete table;
}

LinuxResult<Ref<FileTable>> FileTable::clone() {
    auto copy = LTRY(create());
    Lock lock(mutex_);
    Lock copy_lock(copy->mutex_);  // nobody else knows the copy: no order to keep
    LTRY(copy->grow_locked(slots_.size()));
    std::ranges::copy(slots_, copy->slots_.begin());
    copy->lowest_free_ = lowest_free_;
    return copy;
}

FileTable::Slot* FileTable::find_locked(std::int32_t descriptor) {
    auto const index = static_cast<std::uint32_t>(descriptor);
    if (index >= slots_.size() || !slots_[index].file)
        return nullptr;
    return &slots_[index];
}

LinuxResult<Ref<File>> FileTable::get(std::int32_t descriptor) {
    Lock lock(mutex_);
    auto* slot = find_locked(descriptor);
    if (slot == nullptr)
        return fail(Errno::ebadf);
    return Ref<File>::share(*slot->file);
}

LinuxResult<BorrowedFile> FileTable::borrow_shared(std::int32_t descriptor) {
    return BorrowedFile(*LTRY(get(descriptor)).leak(), true);
}

LinuxResult<> FileTable::grow_locked(std::size_t slots) {
    if (slots <= slots_.size())
        return {};
    auto const size = std::min(std::max(slots, 2 * slots_.size()), descriptor_limit);
    std::unique_ptr<Slot[]> memory(new (std::nothrow) Slot[size]);
    if (memory == nullptr)
        return fail(Errno::enomem);
#pragma clang unsafe_buffer_usage begin  // the array was made with this size just now
    std::span<Slot> const grown(memory.get(), size);
#pragma clang unsafe_buffer_usage end
    std::ranges::move(slots_, grown.begin());
    slots_ = grown;
    heap_ = std::move(memory);
    return {};
}

LinuxResult<std::int32_t> FileTable::insert(Ref<File> file, bool close_on_exec, std::uint64_t limit,
                                            std::int32_t lowest) {
    Lock lock(mutex_);
    auto index = std::max(lowest_free_, static_cast<std::size_t>(lowest));
    while (index < slots_.size() && slots_[index].file)
        ++index;
    if (index >= limit || index >= descriptor_limit)
        return fail(Errno::emfile);
    LTRY(grow_locked(index + 1));
    slots_[index] = {std::move(file), close_on_exec};
    if (static_cast<std::size_t>(lowest) <= lowest_free_)
        lowest_free_ = index + 1;
    return static_cast<std::int32_t>(index);
}

LinuxResult<> FileTable::replace(std::int32_t descriptor, Ref<File> file, bool close_on_exec, std::uint64_t limit) {
    auto const index = static_cast<std::uint32_t>(descriptor);
    if (index >= limit || index >= descriptor_limit)
        return fail(Errno::ebadf);
    RefOrNull<File> former;
    {
        Lock lock(mutex_);
        LTRY(grow_locked(index + 1));
        former = std::move(slots_[index].file);
        slots_[index] = {std::move(file), close_on_exec};
    }
    release(std::move(former));
    return {};
}

// Closing may wait (a terminal drains) or end an inode, so it happens without the table's mutex.
void FileTable::release(RefOrNull<File> file) {
    if (file)
        file->on_close(*this);
}

LinuxResult<> FileTable::close(std::int32_t descriptor) {
    RefOrNull<File> former;
    {
        Lock lock(mutex_);
        auto* slot = find_locked(descriptor);
        if (slot == nullptr)
            return fail(Errno::ebadf);
        former = std::move(slot->file);
        lowest_free_ = std::min(lowest_free_, static_cast<std::size_t>(descriptor));
    }
    release(std::move(former));
    return {};
}

void FileTable::close_range(std::uint32_t first, std::uint32_t last, bool only_mark) {
    for (std::size_t index = first; index <= last; ++index) {
        RefOrNull<File> former;
        {
            Lock lock(mutex_);
            while (index < slots_.size() && index <= last && !slots_[index].file)
                ++index;
            if (index >= slots_.size() || index > last)
                return;
            if (only_mark) {
                slots_[index].close_on_exec = true;
                continue;
            }
            former = std::move(slots_[index].file);
            lowest_free_ = std::min(lowest_free_, index);
        }
        release(std::move(former));
    }
}

void FileTable::close_marked() {
    for (std::size_t index = 0;; ++index) {
        RefOrNull<File> former;
        {
            Lock lock(mutex_);
            while (index < slots_.size() && !(slots_[index].file && slots_[index].close_on_exec))
                ++index;
            if (index >= slots_.size())
                return;
            former = std::move(slots_[index].file);
            lowest_free_ = std::min(lowest_free_, index);
        }
        release(std::move(former));
    }
}

LinuxResult<bool> FileTable::is_close_on_exec(std::int32_t descriptor) {
    Lock lock(mutex_);
    auto* slot = find_locked(descriptor);
    if (slot == nullptr)
        return fail(Errno::ebadf);
    return slot->close_on_exec;
}

LinuxResult<> FileTable::set_close_on_exec(std::int32_t descriptor, bool close_on_exec) {
    Lock lock(mutex_);
    auto* slot = find_locked(descriptor);
    if (slot == nullptr)
        return fail(Errno::ebadf);
    slot->close_on_exec = close_on_exec;
    return {};
}

std::int32_t FileTable::next_used(std::int32_t from) {
    Lock lock(mutex_);
    for (auto index = static_cast<std::size_t>(std::max(from, 0)); index < slots_.size(); ++index) {
        if (slots_[index].file)
            return static_cast<std::int32_t>(index);
    }
    return -1;
}

std::size_t FileTable::slot_count() {
    Lock lock(mutex_);
    return slots_.size();
}

}  // namespace astrata::linux_abi
