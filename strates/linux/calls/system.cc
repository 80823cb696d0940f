// What a program can ask about the system and its own resources: uname, sysinfo, limits, usage, random bytes, the log.
#include <algorithm>
#include <array>
#include <string_view>

#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "sdk/own.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/rusage.h"
#include "strates/linux/process/system_information.h"
#include "strates/linux/process/times.h"
#include "strates/linux/time/process_timers.h"

namespace astrata::linux_abi {
namespace {

// struct utsname's fields.
using UtsField = std::array<char, 65>;
struct UtsName {
    UtsField system{}, node{}, release{}, version{}, machine{}, domain{};
};

void put(UtsField& field, std::string_view text) {
    std::ranges::copy(text.substr(0, field.size() - 1), field.begin());
}

LinuxResult<std::uint64_t> set_name(Task& task, GuestAddress name, std::uint64_t length,
                                    void (*store)(std::string_view)) {
    if (!task.credentials().has(Capability::sys_admin))
        return fail(Errno::eperm);
    std::array<char, 64> text;
    if (length > text.size())
        return fail(Errno::einval);
    LTRY(copy_from_guest(std::as_writable_bytes(std::span(text).first(length)), name));
    store({text.data(), length});
    return 0;
}

LinuxResult<Limit> change_limit(Process& process, LimitKind kind, Limit const* fresh, bool is_privileged) {
    auto old = process.limits.get(kind);
    if (fresh == nullptr)
        return old;
    if (fresh->soft > fresh->hard)
        return fail(Errno::einval);
    if (fresh->hard > old.hard && !is_privileged)
        return fail(Errno::eperm);
    if (kind == LimitKind::open_files && fresh->hard > (1 << 20))
        return fail(Errno::eperm);
    process.limits.set(kind, *fresh);
    if (kind == LimitKind::cpu)
        LTRY(watch_processor_limit(process));
    return old;
}

}  // namespace

LinuxResult<std::uint64_t> sys_uname(Task&, GuestAddress name) {
    UtsName result;
    put(result.system, system_name);
    put(result.release, system_release);
    put(result.version, system_version);
    put(result.machine, machine::name);
    std::array<char, 65> text{};
    put(result.node, host_name(text));
    put(result.domain, domain_name(text));
    LTRY(write_guest(name, result));
    return 0;
}

LinuxResult<std::uint64_t> sys_sethostname(Task& task, GuestAddress name, std::uint64_t length) {
    return set_name(task, name, length, set_host_name);
}

LinuxResult<std::uint64_t> sys_setdomainname(Task& task, GuestAddress name, std::uint64_t length) {
    return set_name(task, name, length, set_domain_name);
}

LinuxResult<std::uint64_t> sys_sysinfo(Task&, GuestAddress information) {
    // struct sysinfo of 64-bit machines.
    struct SystemInformation {
        std::int64_t uptime = 0;
        std::array<std::uint64_t, 3> loads{};
        std::uint64_t memory_total = 0, memory_free = 0, memory_shared = 0, memory_buffers = 0;
        std::uint64_t swap_total = 0, swap_free = 0;
        std::uint16_t processes = 0, padding = 0;
        std::uint32_t padding2 = 0;
        std::uint64_t high_total = 0, high_free = 0;
        std::uint32_t unit = 1, padding3 = 0;
    } result;
    static_assert(sizeof(result) == 112);
    auto memory = LTRY(memory_information());
    result.uptime = static_cast<std::int64_t>(sys::clock_now().value / 1'000'000'000);
    result.memory_total = memory.total;
    result.memory_free = memory.total - std::min(memory.used, memory.total);
    result.loads = load_averages();
    {
        Lock lock(process_table().mutex);
        result.processes = static_cast<std::uint16_t>(process_table().task_count());
    }
    LTRY(write_guest(information, result));
    return 0;
}

LinuxResult<std::uint64_t> sys_getrlimit(Task& task, std::uint32_t resource, GuestAddress limit) {
    if (resource >= limit_count)
        return fail(Errno::einval);
    LTRY(write_guest(limit, task.process().limits.get(static_cast<LimitKind>(resource))));
    return 0;
}

LinuxResult<std::uint64_t> sys_setrlimit(Task& task, std::uint32_t resource, GuestAddress limit) {
    if (resource >= limit_count)
        return fail(Errno::einval);
    auto fresh = LTRY(read_guest<Limit>(limit));
    LTRY(change_limit(task.process(), static_cast<LimitKind>(resource), &fresh,
                      task.credentials().has(Capability::sys_resource)));
    return 0;
}

LinuxResult<std::uint64_t> sys_prlimit64(Task& task, std::int32_t pid, std::uint32_t resource, GuestAddress limit,
                                         GuestAddress old) {
    if (resource >= limit_count || pid < 0)
        return fail(Errno::einval);
    Limit fresh;
    if (!limit.is_null())
        fresh = LTRY(read_guest<Limit>(limit));
    auto target = Ref<Process>::share(task.process());
    if (pid != 0) {
        Lock lock(process_table().mutex);
        auto* found = process_table().find_process(static_cast<ProcessId>(pid));
        if (found == nullptr)
            return fail(Errno::esrch);
        if (found != &task.process() && !task.credentials().has(Capability::sys_resource) &&
            found->owner.load() != task.credentials().uid)
            return fail(Errno::eperm);
        target = Ref<Process>::share(*found);
    }
    auto former = LTRY(change_limit(*target, static_cast<LimitKind>(resource), limit.is_null() ? nullptr : &fresh,
                                    task.credentials().has(Capability::sys_resource)));
    if (!old.is_null())
        LTRY(write_guest(old, former));
    return 0;
}

LinuxResult<std::uint64_t> sys_getrusage(Task& task, std::int32_t who, GuestAddress usage) {
    enum : std::int32_t { of_self = 0, of_children = -1, of_thread = 1 };
    Usage result;
    if (who == of_thread) {
        result = thread_usage(task);
    } else if (who == of_self || who == of_children) {
        Lock lock(process_table().mutex);
        result = who == of_self ? process_usage(task.process()) : task.process().children_usage;
    } else {
        return fail(Errno::einval);
    }
    LTRY(write_guest(usage, to_rusage(result)));
    return 0;
}

LinuxResult<std::uint64_t> sys_getrandom(Task&, GuestAddress buffer, std::uint64_t count, std::uint64_t flags) {
    constexpr std::uint64_t non_blocking = 1, random_source = 2, insecure = 4;
    if ((flags & ~(non_blocking | random_source | insecure)) != 0 ||
        (flags & (random_source | insecure)) == (random_source | insecure))
        return fail(Errno::einval);
    std::uint64_t done = 0;
    std::array<std::byte, 256> piece;
    count = std::min<std::uint64_t>(count, 0x7fff'ffff);
    while (done < count) {
        auto part = std::span(piece).first(std::min<std::uint64_t>(piece.size(), count - done));
        LTRY(sys::random_read(part));
        auto copied = copy_some_to_guest(buffer + done, part);
        done += copied;
        if (copied < part.size())
            return done == 0 ? LinuxResult<std::uint64_t>(fail(Errno::efault)) : done;
        if (done < count && done % 65536 == 0 && is_interrupted())
            break;
    }
    return done;
}

// The kernel log is not this silo's: it is empty here. Controlling the console is refused.
LinuxResult<std::uint64_t> sys_syslog(Task& task, std::int32_t type, GuestAddress, std::int32_t length) {
    enum : std::int32_t {
        close = 0,
        open = 1,
        read = 2,
        read_all = 3,
        read_clear = 4,
        clear = 5,
        unread = 9,
        size = 10
    };
    switch (type) {
    case close:
    case open:
    case read_all:
    case unread:
    case size: return length < 0 && type == read_all ? LinuxResult<std::uint64_t>(fail(Errno::einval)) : 0;
    case read:
    case read_clear:
    case clear:
        if (!task.credentials().has(Capability::syslog) && !task.credentials().has(Capability::sys_admin))
            return fail(Errno::eperm);
        return 0;
    default: return fail(Errno::eperm);
    }
}

LinuxResult<std::uint64_t> sys_getcpu(Task& task, GuestAddress cpu, GuestAddress node, GuestAddress) {
    auto information = LTRY(sys::thread_info(task.thread));
    if (!cpu.is_null())
        LTRY(write_guest(cpu, information.cpu));
    if (!node.is_null())
        LTRY(write_guest(node, node_of_cpu(information.cpu)));
    return 0;
}

LinuxResult<std::uint64_t> sys_unshare(Task& task, std::uint64_t flags) {
    // Own copies of what is not shared anyway cost nothing; namespaces are what silos are for.
    constexpr std::uint64_t fs = 0x200, files = 0x400, semaphores = 0x4'0000;
    if ((flags & ~(fs | files | semaphores)) != 0)
        return fail(Errno::eperm);
    return unshare_files(task, (flags & files) != 0, (flags & fs) != 0);
}

}  // namespace astrata::linux_abi
