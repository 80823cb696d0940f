// mmap and its relations.
#include <algorithm>

#include "lib/base/units.h"
#include "linux_calls/table.h"
#include "strates/linux/core/task.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/memory/file_backing.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/process.h"

namespace astrata::linux_abi {
namespace {

constexpr std::uint64_t known_protection = 7;
// PROT_GROWSDOWN and PROT_GROWSUP, which only mprotect knows; nothing grows here, so they change nothing.
constexpr std::uint64_t growth_protection = 0x0300'0000;

// The program's address space limit.
LinuxResult<> check_address_space(Task& task, std::uint64_t additional) {
    auto limit = task.process().limits.soft(LimitKind::address_space);
    if (limit != unlimited && (additional > limit || task.memory().virtual_bytes() > limit - additional))
        return fail(Errno::enomem);
    return {};
}

// Touches every page once, so that it is there from now on: nothing is ever paged out.
LinuxResult<std::uint64_t> make_resident(Task& task, std::uint64_t address, std::uint64_t length) {
    if (length == 0)
        return 0;
    auto start = align_down(address, page_size);
    if (length > guest_limit || !task.memory().is_covered(address, length))
        return fail(Errno::enomem);
    for (auto page = start; page < address + length; page += page_size) {
        if (is_interrupted())  // a reservation may be far larger than memory
            return fail(is_dying() ? Errno::erestartnointr : Errno::eintr);
        std::byte one{};
        static_cast<void>(copy_some_from_guest(std::span(&one, 1), {page}));  // inaccessible pages have nothing to lock
    }
    return 0;
}

}  // namespace

LinuxResult<std::uint64_t> sys_mmap(Task& task, GuestAddress address, std::uint64_t length,
                                    std::uint64_t protection_bits, std::uint64_t flag_bits, std::int32_t fd,
                                    std::uint64_t offset) {
    auto flags = static_cast<std::uint32_t>(flag_bits);
    auto type = flags & map_flag::type_mask;
    if (offset % page_size != 0 || length == 0)
        return fail(Errno::einval);
    if (type != map_flag::shared && type != map_flag::private_copy && type != map_flag::shared_validate)
        return fail(Errno::einval);
    // Refused rather than served with small pages: programs fall back by themselves, and count on it.
    if ((flags & map_flag::huge_pages) != 0)
        return fail(Errno::enomem);
    LTRY(check_address_space(task, length));
    auto access = static_cast<std::uint8_t>(protection_bits & known_protection);
    if ((flags & map_flag::anonymous) != 0)
        return task.memory().map(address.value, length, access, flags, {});

    auto file = LTRY(task.files().get(fd));
    bool is_shared = type != map_flag::private_copy;
    if (!file->can_read() || (is_shared && (access & protection::write) != 0 && !file->can_write()))
        return fail(Errno::eacces);
    if (length > guest_limit || offset + align_up(length, page_size) < offset)
        return fail(Errno::eoverflow);
    auto source = LTRY(map_source_of(*file, {.offset = offset,
                                             .length = align_up(length, page_size),
                                             .is_shared = is_shared,
                                             .is_writable = is_shared && file->can_write(),
                                             .is_executable = (access & protection::execute) != 0}));
    if (type == map_flag::shared_validate)
        flags = (flags & ~map_flag::type_mask) | map_flag::shared;
    return task.memory().map(address.value, length, access, flags, std::move(source));
}

LinuxResult<std::uint64_t> sys_munmap(Task& task, GuestAddress address, std::uint64_t length) {
    LTRY(task.memory().unmap(address.value, length));
    return 0;
}

LinuxResult<std::uint64_t> sys_mprotect(Task& task, GuestAddress address, std::uint64_t length, std::uint64_t bits) {
    if ((bits & ~(known_protection | growth_protection)) != 0)
        return fail(Errno::einval);
    LTRY(task.memory().protect(address.value, length, static_cast<std::uint8_t>(bits & known_protection)));
    return 0;
}

LinuxResult<std::uint64_t> sys_mremap(Task& task, GuestAddress address, std::uint64_t old_length,
                                      std::uint64_t new_length, std::uint64_t flags, GuestAddress new_address) {
    if (new_length > old_length)
        LTRY(check_address_space(task, new_length - old_length));
    return task.memory().remap(address.value, old_length, new_length, static_cast<std::uint32_t>(flags),
                               new_address.value);
}

LinuxResult<std::uint64_t> sys_brk(Task& task, GuestAddress address) {
    auto const& limits = task.process().limits;
    return task.memory().set_break(address.value, limits.soft(LimitKind::data), limits.soft(LimitKind::address_space));
}

LinuxResult<std::uint64_t> sys_madvise(Task& task, GuestAddress address, std::uint64_t length, std::int32_t advice) {
    LTRY(task.memory().advise(address.value, length, advice));
    return 0;
}

// Shared mappings are the file's own cache: there is nothing to carry over.
LinuxResult<std::uint64_t> sys_msync(Task& task, GuestAddress address, std::uint64_t length, std::uint64_t flags) {
    constexpr std::uint64_t asynchronous = 1, invalidate = 2, synchronous = 4;
    if ((flags & ~(asynchronous | invalidate | synchronous)) != 0 || address.value % page_size != 0 ||
        (flags & (asynchronous | synchronous)) == (asynchronous | synchronous))
        return fail(Errno::einval);
    if (length != 0 && (length > guest_limit || !task.memory().is_covered(address.value, length)))
        return fail(Errno::enomem);
    return 0;
}

LinuxResult<std::uint64_t> sys_mlock(Task& task, GuestAddress address, std::uint64_t length) {
    return make_resident(task, address.value, length);
}

LinuxResult<std::uint64_t> sys_mlock2(Task& task, GuestAddress address, std::uint64_t length, std::uint64_t flags) {
    constexpr std::uint64_t on_fault = 1;
    if ((flags & ~on_fault) != 0)
        return fail(Errno::einval);
    return (flags & on_fault) != 0 ? LinuxResult<std::uint64_t>(0) : make_resident(task, address.value, length);
}

LinuxResult<std::uint64_t> sys_munlock(Task& task, GuestAddress address, std::uint64_t length) {
    if (length != 0 && (length > guest_limit || !task.memory().is_covered(address.value, length)))
        return fail(Errno::enomem);
    return 0;
}

// What is mapped stays in memory anyway once it is there, and touching everything now would defeat reservations.
LinuxResult<std::uint64_t> sys_mlockall(Task&, std::uint64_t flags) {
    if (flags == 0 || (flags & ~std::uint64_t{7}) != 0)
        return fail(Errno::einval);
    return 0;
}

LinuxResult<std::uint64_t> sys_munlockall(Task&) {
    return 0;
}

LinuxResult<std::uint64_t> sys_membarrier(Task&, std::int32_t command, std::uint64_t flags, std::int32_t) {
    // Only the query, which says that nothing else is offered.
    if (command == 0 && flags == 0)
        return 0;
    return fail(Errno::einval);
}

}  // namespace astrata::linux_abi
