// What unit tests of files and file systems stand on instead of Bedrock and running tasks. Included by one source of a
// test program: it defines the functions that the real core/wait.cc, core/guest_memory.cc and the vDSO would.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "abi/system_calls.h"
#include "lib/base/units.h"
#include "strates/linux/core/guest_memory.h"
#include "strates/linux/core/wait.h"
#include "strates/linux/filesystems/overlay/lower.h"
#include "strates/linux/filesystems/overlay/memory_statistics.h"

namespace astrata::linux_abi::testing {

// Addresses that system calls and programs hand over are, in tests, the test's own memory.
#pragma clang unsafe_buffer_usage begin
inline MutableBytes memory_at(std::uint64_t address, std::size_t length) {
    return {reinterpret_cast<std::byte*>(address), length};
}
#pragma clang unsafe_buffer_usage end
inline std::uint64_t address_of(void const* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

/// Memory objects as byte vectors. A shadow shows its source until a page of it is written.
class FakeObjects {
public:
    struct Object {
        std::uint64_t size = 0;
        std::map<std::uint64_t, std::vector<std::byte>> pages;
        abi::Handle source = 0;
        std::uint64_t source_limit = 0;  // bytes of the source that still show through
    };
    std::map<abi::Handle, Object> objects;
    abi::Handle next = 100;
    std::uint64_t page_copies = 0;
    bool is_out_of_memory = false;

    std::byte byte_at(abi::Handle handle, std::uint64_t offset) {
        auto& object = objects.at(handle);
        if (auto page = object.pages.find(offset / page_size); page != object.pages.end())
            return page->second[offset % page_size];
        if (object.source != 0 && offset < object.source_limit)
            return byte_at(object.source, offset);
        return std::byte{0};
    }
    void set_byte(abi::Handle handle, std::uint64_t offset, std::byte value) {
        auto& object = objects.at(handle);
        auto page = object.pages.find(offset / page_size);
        if (page == object.pages.end()) {
            std::vector<std::byte> copy(page_size);
            for (std::size_t index = 0; index < page_size; ++index)
                copy[index] = byte_at(handle, offset / page_size * page_size + index);
            page = object.pages.emplace(offset / page_size, std::move(copy)).first;
            ++page_copies;
        }
        page->second[offset % page_size] = value;
    }
    abi::Handle create(std::string_view text) {
        auto const handle = next++;
        objects[handle].size = text.size();
        for (std::size_t index = 0; index < text.size(); ++index)
            set_byte(handle, index, static_cast<std::byte>(text[index]));
        page_copies = 0;
        return handle;
    }
};

inline FakeObjects& fake_objects() {
    static FakeObjects instance;
    return instance;
}

inline std::int64_t fake_wall_ns = 1'000'000'000;

inline void install_fakes() {
    fake_objects() = {};
    astrata_vdso.clock_wall_ns = [] { return static_cast<std::uint64_t>(fake_wall_ns); };
    astrata_vdso.handle_close = [](std::uint64_t handle) -> std::uint64_t {
        // Shadows keep their source alive in Bedrock; here sources simply stay.
        return fake_objects().objects.contains(handle) ? 0 : static_cast<std::uint64_t>(Error::bad_handle);
    };
    astrata_vdso.memory_object_create = [](std::uint64_t size, std::uint64_t* object) -> std::uint64_t {
        if (fake_objects().is_out_of_memory)
            return static_cast<std::uint64_t>(Error::no_memory);
        *object = fake_objects().next++;
        fake_objects().objects[*object].size = size;
        return 0;
    };
    astrata_vdso.memory_object_clone = [](std::uint64_t source, std::uint64_t, std::uint64_t size, std::uint64_t,
                                          std::uint64_t* clone) -> std::uint64_t {
        *clone = fake_objects().next++;
        fake_objects().objects[*clone] = {.size = size, .source = source, .source_limit = size};
        return 0;
    };
    astrata_vdso.memory_object_set_size = [](std::uint64_t handle, std::uint64_t size) -> std::uint64_t {
        auto& object = fake_objects().objects.at(handle);
        for (auto offset = size; offset < object.size; ++offset)
            fake_objects().set_byte(handle, offset, std::byte{0});
        object.source_limit = std::min(object.source_limit, size);
        object.size = size;
        return 0;
    };
    astrata_vdso.memory_object_read = [](std::uint64_t handle, std::uint64_t offset, void* into, std::uint64_t length,
                                         std::uint64_t* done) -> std::uint64_t {
        auto const& object = fake_objects().objects.at(handle);
        *done = offset >= object.size ? 0 : std::min(length, object.size - offset);
        auto const memory = memory_at(address_of(into), *done);
        for (std::uint64_t index = 0; index < *done; ++index)
            memory[index] = fake_objects().byte_at(handle, offset + index);
        return 0;
    };
    astrata_vdso.memory_object_write = [](std::uint64_t handle, std::uint64_t offset, void const* from,
                                          std::uint64_t length, std::uint64_t* done) -> std::uint64_t {
        auto const& object = fake_objects().objects.at(handle);
        if (offset > object.size)
            return static_cast<std::uint64_t>(Error::out_of_range);
        *done = std::min(length, object.size - offset);
        auto const memory = memory_at(address_of(from), *done);
        for (std::uint64_t index = 0; index < *done; ++index)
            fake_objects().set_byte(handle, offset + index, memory[index]);
        return 0;
    };
}

/// A lower file system given as nodes in a table.
class FakeLower final : public LowerFileSystem {
public:
    struct Node {
        Attributes attributes;
        std::map<std::string, std::uint64_t> entries;
        std::string text;  // contents or link target
    };
    std::map<std::uint64_t, Node> nodes;
    std::uint64_t lookups = 0;

    FakeLower() { add(0, "", FileType::directory, 0755); }

    std::uint64_t add(std::uint64_t parent, std::string const& name, FileType type, std::uint32_t mode,
                      std::string text = {}) {
        auto const node = nodes.size() + 2;
        nodes[node] = {.attributes = {.node = node,
                                      .size = text.size(),
                                      .mode = mode | static_cast<std::uint32_t>(type),
                                      .links = type == FileType::directory ? 2u : 1u},
                       .text = std::move(text)};
        if (parent != 0)
            nodes[parent].entries[name] = node;
        return node;
    }

    LinuxResult<std::uint64_t> root() override { return std::uint64_t{2}; }
    LinuxResult<Attributes> lookup(std::uint64_t directory, std::string_view name) override {
        ++lookups;
        auto const& entries = nodes[directory].entries;
        auto const found = entries.find(std::string(name));
        if (found == entries.end())
            return fail(Errno::enoent);
        return nodes[found->second].attributes;
    }
    LinuxResult<Attributes> attributes(std::uint64_t node) override { return nodes[node].attributes; }
    LinuxResult<bool> read_directory(std::uint64_t directory, std::uint64_t cursor, LowerEntrySink& sink) override {
        // Two entries a batch, so that callers have to come again.
        std::uint64_t position = 0;
        std::uint64_t offered = 0;
        for (auto const& [name, node] : nodes[directory].entries) {
            if (position++ < cursor)
                continue;
            if (offered == 2)
                break;
            ++offered;
            if (!sink.add(name, node, static_cast<FileType>(nodes[node].attributes.mode & file_type_mask), position))
                break;
        }
        return offered != 0;
    }
    LinuxResult<std::size_t> read_link(std::uint64_t node, std::span<char> into) override {
        auto const& text = nodes[node].text;
        std::ranges::copy(text, into.begin());
        return text.size();
    }
    LinuxResult<LowerContents> open(std::uint64_t node) override {
        return LowerContents{.object = fake_objects().create(nodes[node].text), .size = nodes[node].text.size()};
    }
    LinuxResult<FileSystemStatistics> statistics() override { return FileSystemStatistics{.magic = 0xef53}; }
    LinuxResult<std::size_t> get_extended_attribute(std::uint64_t, std::string_view, MutableBytes) override {
        return fail(Errno::enodata);
    }
    LinuxResult<std::size_t> list_extended_attributes(std::uint64_t, MutableBytes) override { return std::size_t{0}; }
};

/// Called by wait() in place of sleeping, without the waiter's mutex: makes happen what the waiter waits for. None: as
/// if interrupted.
inline std::function<void()> on_wait;

}  // namespace astrata::linux_abi::testing

namespace astrata::linux_abi {

MemoryStatistics memory_statistics() {
    return {.total = 64 << 20, .free = 32 << 20};
}

// Guest memory is the test's own.
LinuxResult<> copy_from_guest(MutableBytes into, GuestAddress from) {
    std::ranges::copy(testing::memory_at(from.value, into.size()), into.begin());
    return {};
}
LinuxResult<> copy_to_guest(GuestAddress to, Bytes from) {
    std::ranges::copy(from, testing::memory_at(to.value, from.size()).begin());
    return {};
}
std::size_t copy_some_from_guest(MutableBytes into, GuestAddress from) {
    (void)copy_from_guest(into, from);
    return into.size();
}
std::size_t copy_some_to_guest(GuestAddress to, Bytes from) {
    (void)copy_to_guest(to, from);
    return from.size();
}
LinuxResult<> zero_guest(GuestAddress to, std::uint64_t length) {
    std::ranges::fill(testing::memory_at(to.value, length), std::byte{0});
    return {};
}
void note_unreachable(GuestAddress, std::uint64_t, bool) {}
LinuxResult<MutableBytes> guest_span(GuestAddress address, std::size_t length) {
    return testing::memory_at(address.value, length);
}

void WaitQueue::add(Waiter& waiter) {
    Lock lock(mutex_);
    waiter.queue_ = this;
    waiters_.push_back(waiter);
    count_.fetch_add(1);
}
void WaitQueue::remove(Waiter& waiter) {
    Lock lock(mutex_);
    waiters_.remove(waiter);
    waiter.queue_ = nullptr;
    count_.fetch_sub(1);
}
std::uint32_t WaitQueue::wake(std::uint32_t events, std::uint32_t count) {
    std::uint32_t woken = 0;
    Lock lock(mutex_);
    for (auto& waiter : waiters_) {
        if (woken == count)
            break;
        if (waiter.on_wake(events))
            ++woken;
    }
    return woken;
}
LinuxResult<> wait(WaitQueue&, Mutex& mutex, MonotonicNs, WaitMode) {
    if (!testing::on_wait)
        return fail(Errno::erestartsys);
    auto happen = std::exchange(testing::on_wait, nullptr);
    mutex.unlock();
    happen();
    mutex.lock();
    return {};
}
Task* current_task_or_null() {
    return nullptr;
}
bool is_dying() {
    return false;
}

}  // namespace astrata::linux_abi
