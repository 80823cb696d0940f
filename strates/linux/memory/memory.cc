#include "strates/linux/memory/memory.h"

#include <algorithm>
#include <array>

#include "abi/system_calls.h"
#include "lib/base/units.h"
#include "sdk/own.h"
#include "strates/linux/core/make.h"

namespace astrata::linux_abi {
namespace {

// There are no write-only and no execute-only pages here: both imply reading.
abi::Access to_access(std::uint8_t access) {
    abi::Access result{};
    if (access != 0)
        result |= abi::Access::read;
    if ((access & protection::write) != 0)
        result |= abi::Access::write;
    if ((access & protection::execute) != 0)
        result |= abi::Access::execute;
    return result;
}

std::uint64_t access_and_flags(std::uint8_t access, abi::MapFlags flags) {
    return static_cast<std::uint64_t>(to_access(access)) | static_cast<std::uint64_t>(flags) << 32;
}

// Programs that compile at run time write and execute the same pages; whether they may is the silo's policy, not ours.
constexpr auto guest_flags = abi::MapFlags::fixed | abi::MapFlags::allow_jit;

constexpr std::uint64_t length_limit = guest_limit;

// Page-aligned length; 0 for lengths that are 0 or too large.
std::uint64_t whole_pages(std::uint64_t length) {
    return length > length_limit ? 0 : align_up(length, page_size);
}

// What could never be given is refused at once, as Linux's heuristic overcommit does, so that a program can tell: a
// large request for writable private memory beyond what the silo's limit leaves. Small ones are not worth the question.
LinuxResult<> check_room(std::uint64_t length, std::uint8_t access, std::uint32_t flags) {
    constexpr std::uint64_t worth_asking = 256 << 10;
    // The reserve that Bedrock keeps (at most 1 MiB) and what page tables and bookkeeping of the request may take.
    auto const kept = (std::uint64_t{5} << 18) + length / 64;
    if (length < worth_asking || (access & protection::write) == 0 || (flags & map_flag::no_reserve) != 0)
        return {};
    auto silo = LTRY(sys::silo_info(sdk::own().silo));
    if (silo.memory_limit != 0 && silo.memory_used + kept + length > silo.memory_limit)
        return fail(Errno::enomem);
    return {};
}

}  // namespace

LinuxResult<Ref<Memory>> Memory::create() {
    auto space = LTRY(sys::address_space_create());
    auto memory = make_ref<Memory>(space);
    if (!memory.has_value())
        static_cast<void>(sys::handle_close(space));
    return memory;
}

Memory::~Memory() {
    static_cast<void>(sys::handle_close(space_));
}

LinuxResult<Ref<Memory>> Memory::clone() {
    // Held throughout: the copy of the space and the copy of the record must be of the same moment.
    Lock lock(mutex_);
    auto space = LTRY(sys::address_space_clone(space_));
    auto made = make_ref<Memory>(space);
    if (!made.has_value()) {
        static_cast<void>(sys::handle_close(space));
        return made;
    }
    auto& copy = **made;
    Lock copy_lock(copy.mutex_);
    LTRY(copy.regions_.copy_from(regions_));
    copy.layout_ = layout_;
    copy.heap_start_ = heap_start_;
    copy.heap_end_ = heap_end_;
    copy.executable_ = executable_;
    for (auto const& region : regions_.regions()) {
        if (region.is_inherited)
            continue;
        LTRY(copy.regions_.reserve(3));
        LTRY(sys::address_space_unmap(space, region.start, region.length()));
        copy.regions_.remove(region.start, region.end);
    }
    return made;
}

LinuxResult<std::uint64_t> Memory::place_locked(std::uint64_t address, std::uint64_t length, std::uint32_t flags,
                                                std::uint64_t alignment) {
    if ((flags & (map_flag::fixed | map_flag::fixed_no_replace)) != 0) {
        if (address % page_size != 0)
            return fail(Errno::einval);
        if (address < guest_minimum)
            return fail(Errno::eperm);
        if (!is_guest_range({address}, length))
            return fail(Errno::enomem);
        if ((flags & map_flag::fixed_no_replace) != 0 && !regions_.is_free(address, address + length))
            return fail(Errno::eexist);
        return address;
    }
    auto hint = align_down(address, page_size);
    if (hint >= guest_minimum && is_guest_range({hint}, length) && regions_.is_free(hint, hint + length))
        return hint;
    auto top = layout_.map_top != 0 ? layout_.map_top : guest_limit;
    auto found = regions_.find_gap(length, guest_minimum, top, alignment);
    if (found == 0)
        found = regions_.find_gap(length, guest_minimum, guest_limit, alignment);
    if (found == 0)
        return fail(Errno::enomem);
    return found;
}

// Maps, replacing what is there, and records it. `region` says where.
LinuxResult<> Memory::enter_locked(Region&& region, abi::Handle object, std::uint64_t object_offset,
                                   std::uint32_t flags) {
    LTRY(regions_.reserve(3));
    auto map_flags = guest_flags;
    if (!region.is_shared)
        map_flags |= abi::MapFlags::private_;
    if ((flags & map_flag::populate) != 0)
        map_flags |= abi::MapFlags::populate;
    // Reserved without a thought of using all of it; as are stacks.
    if ((flags & (map_flag::stack | map_flag::grows_down | map_flag::no_reserve)) != 0 ||
        region.kind == RegionKind::stack)
        map_flags |= abi::MapFlags::sparse;
    auto how = access_and_flags(region.access, map_flags);
    auto length = region.length();
    if (object == 0) {
        LTRY(sys::address_space_map_anonymous(space_, region.start, length, how));
    } else {
        // Linux maps past a file's end and faults there; Bedrock maps only what the object has. What is beyond becomes
        // inaccessible memory, and a fault on it is reported as SIGBUS (classify_fault).
        auto size = align_up(LTRY(sys::memory_object_info(object)).size, page_size);
        auto inside = object_offset >= size ? 0 : std::min(length, size - object_offset);
        if (inside != 0)
            LTRY(sys::address_space_map(space_, object, object_offset, region.start, inside, how));
        if (inside < length)
            LTRY(sys::address_space_map_anonymous(space_, region.start + inside, length - inside,
                                                  access_and_flags(0, guest_flags | abi::MapFlags::private_)));
    }
    regions_.insert(std::move(region));
    return {};
}

LinuxResult<std::uint64_t> Memory::map(std::uint64_t address, std::uint64_t length, std::uint8_t access,
                                       std::uint32_t flags, MapSource source, RegionKind kind) {
    if (length == 0)
        return fail(Errno::einval);
    auto size = whole_pages(length);
    if (size == 0)
        return fail(Errno::enomem);
    bool is_shared = (flags & map_flag::shared) != 0;
    if (is_shared && (access & ~source.access_limit) != 0)
        return fail(Errno::eacces);

    abi::Handle object = source.object;
    if (object == 0 || !is_shared)
        LTRY(check_room(size, access, flags));
    if (object == 0 && is_shared) {
        // Its pages must outlive fork and be the same on both sides: an object of its own.
        object = LTRY(sys::memory_object_create(size));
        auto information = sys::memory_object_info(object);
        auto backing = information.has_value()
                           ? make_ref<SharedMemoryBacking>(object, information->id)
                           : LinuxResult<Ref<SharedMemoryBacking>>(fail(to_errno(information.error())));
        if (!backing.has_value()) {
            static_cast<void>(sys::handle_close(object));
            return fail(backing.error());
        }
        source.backing = Ref<RegionBacking>(std::move(*backing));
    }

    Lock lock(mutex_);
    // What may be shown by 2 MiB pages begins where one can.
    auto const alignment = object == 0 && size >= huge_page_size ? huge_page_size : page_size;
    auto start = LTRY(place_locked(address, size, flags, alignment));
    LTRY(enter_locked({.start = start,
                       .end = start + size,
                       .offset = source.backing_offset,
                       .backing = std::move(source.backing),
                       .access = access,
                       .access_limit = is_shared ? source.access_limit : std::uint8_t{7},
                       .is_shared = is_shared,
                       .kind = kind},
                      object, source.offset, flags));
    return start;
}

LinuxResult<> Memory::unmap(std::uint64_t address, std::uint64_t length) {
    auto size = whole_pages(length);
    if (address % page_size != 0 || size == 0 || address > guest_limit || size > guest_limit - address)
        return fail(Errno::einval);
    Lock lock(mutex_);
    if (regions_.is_free(address, address + size))
        return {};
    LTRY(regions_.reserve(3));
    LTRY(sys::address_space_unmap(space_, address, size));
    regions_.remove(address, address + size);
    return {};
}

LinuxResult<> Memory::protect(std::uint64_t address, std::uint64_t length, std::uint8_t access) {
    if (address % page_size != 0)
        return fail(Errno::einval);
    if (length == 0)
        return {};
    auto size = whole_pages(length);
    if (size == 0 || !is_guest_range({address}, size))
        return fail(Errno::enomem);
    Lock lock(mutex_);
    auto limit = regions_.common_limit(address, address + size);
    bool const has_hole = !limit.has_value();
    if (has_hole) [[unlikely]] {
        // What lies before it is changed all the same, as Linux does.
        size = regions_.covered_end(address) - address;
        limit = regions_.common_limit(address, address + size);
        if (size == 0)
            return fail(Errno::enomem);
    }
    if ((access & ~*limit) != 0)
        return fail(Errno::eacces);
    LTRY(regions_.reserve(3));
    LTRY(sys::address_space_protect(space_, address, size, to_access(access)));
    regions_.protect(address, address + size, access);
    return has_hole ? LinuxResult<>(fail(Errno::enomem)) : LinuxResult<>();
}

LinuxResult<std::uint64_t> Memory::remap(std::uint64_t address, std::uint64_t old_length, std::uint64_t new_length,
                                         std::uint32_t flags, std::uint64_t new_address) {
    constexpr std::uint32_t may_move = 1, fixed = 2;
    auto old_size = whole_pages(old_length);
    auto new_size = whole_pages(new_length);
    if (address % page_size != 0 || new_size == 0 || (flags & ~(may_move | fixed)) != 0 ||
        ((flags & fixed) != 0 && (flags & may_move) == 0))
        return fail(Errno::einval);
    Lock lock(mutex_);
    auto const* found = regions_.find(address);
    if (found == nullptr)
        return fail(Errno::efault);
    if (old_size == 0 || found->end - address < old_size)
        return fail(old_size == 0 && old_length == 0 ? Errno::einval : Errno::efault);
    Region region = *found;
    region.offset += address - region.start;
    region.start = address;
    region.end = address + old_size;
    bool const is_anonymous = region.backing.get() == nullptr;
    if (is_anonymous && new_size > old_size)
        LTRY(check_room(new_size - old_size, region.access, 0));

    if ((flags & fixed) == 0) {
        if (new_size <= old_size) {
            if (new_size < old_size) {
                LTRY(regions_.reserve(3));
                LTRY(sys::address_space_unmap(space_, address + new_size, old_size - new_size));
                regions_.remove(address + new_size, address + old_size);
            }
            return address;
        }
        auto grown_end = address + new_size;
        if (is_anonymous && is_guest_range({address}, new_size) && regions_.is_free(region.end, grown_end)) {
            Region growth = region;
            growth.start = region.end;
            growth.end = grown_end;
            LTRY(enter_locked(std::move(growth), 0, 0, 0));
            return address;
        }
        if ((flags & may_move) == 0)
            return fail(Errno::enomem);
    } else {
        if (new_address % page_size != 0 || !is_guest_range({new_address}, new_size) ||
            (new_address < address + old_size && address < new_address + new_size))
            return fail(Errno::einval);
    }

    LTRY(regions_.reserve(6));
    auto target = LTRY(place_locked((flags & fixed) != 0 ? new_address : 0, new_size,
                                    (flags & fixed) != 0 ? map_flag::fixed : 0u, page_size));
    if (new_size < old_size) {
        LTRY(sys::address_space_unmap(space_, address + new_size, old_size - new_size));
        regions_.remove(address + new_size, address + old_size);
        old_size = new_size;
    }
    // One region of ours may be several mappings of Bedrock's, which moves one at a time; only the last one grows.
    std::uint64_t done = 0;
    while (done < old_size) {
        std::array<abi::MappingInfo, 1> piece;
        auto count = LTRY(sys::address_space_query(space_, address + done, std::as_writable_bytes(std::span(piece))));
        if (count == 0 || piece[0].start > address + done)
            return fail(Errno::efault);
        auto length = std::min(piece[0].start + piece[0].length - (address + done), old_size - done);
        bool is_last = done + length == old_size;
        auto grown = is_last ? new_size - done : length;
        LTRY(sys::address_space_move(space_, address + done, length, target + done, grown, abi::MapFlags::fixed));
        done += length;
    }
    regions_.remove(address, address + old_size);
    region.start = target;
    region.end = target + new_size;
    regions_.insert(std::move(region));
    return target;
}

LinuxResult<> Memory::discard_locked(std::uint64_t start, std::uint64_t end) {
    for (auto const& region : regions_.overlapping(start, end)) {
        if (region.is_shared)
            continue;
        auto from = std::max(region.start, start);
        auto to = std::min(region.end, end);
        LTRY(sys::address_space_discard(space_, from, to - from));
    }
    return {};
}

LinuxResult<> Memory::advise(std::uint64_t address, std::uint64_t length, std::int32_t advice) {
    enum : std::int32_t {
        normal = 0,
        random = 1,
        sequential = 2,
        will_need = 3,
        do_not_need = 4,
        free = 8,
        do_not_fork = 10,
        do_fork = 11,
        mergeable = 12,
        unmergeable = 13,
        huge_page = 14,
        no_huge_page = 15,
        do_not_dump = 16,
        do_dump = 17,
        cold = 20,
        page_out = 21
    };
    if (address % page_size != 0)
        return fail(Errno::einval);
    if (length == 0)
        return {};
    auto size = whole_pages(length);
    if (size == 0 || !is_guest_range({address}, size))
        return fail(Errno::einval);
    Lock lock(mutex_);
    switch (advice) {
    case normal:
    case random:
    case sequential:
    case will_need:
    case huge_page:
    case no_huge_page:
    case do_not_dump:
    case do_dump:
    case cold:
    case page_out: break;
    // Lazily freed pages may read as either; giving them back at once is within the contract.
    case free:
    case do_not_need: LTRY(discard_locked(address, address + size)); break;
    case do_not_fork:
    case do_fork:
        LTRY(regions_.reserve(3));
        regions_.set_inherited(address, address + size, advice == do_fork);
        break;
    default: return fail(Errno::einval);
    }
    if (!regions_.is_covered(address, address + size))
        return fail(Errno::enomem);
    return {};
}

void Memory::start_heap(std::uint64_t address) {
    Lock lock(mutex_);
    heap_start_ = heap_end_ = address;
}

std::uint64_t Memory::set_break(std::uint64_t address, std::uint64_t data_limit, std::uint64_t total_limit) {
    Lock lock(mutex_);
    if (address < heap_start_ || !is_guest_range({heap_start_}, address - heap_start_))
        return heap_end_;
    if (address - heap_start_ > data_limit)
        return heap_end_;
    auto present = align_up(heap_end_, page_size);
    auto wanted = align_up(address, page_size);
    if (wanted > present) {
        if (regions_.total() > total_limit || wanted - present > total_limit - regions_.total())
            return heap_end_;
        // One page stays free above, so that the heap never touches what is mapped next.
        if (!regions_.is_free(present, wanted + page_size))
            return heap_end_;
        if (!check_room(wanted - present, protection::write, 0).has_value())
            return heap_end_;
        auto entered = enter_locked(
            {.start = present, .end = wanted, .access = protection::read | protection::write, .kind = RegionKind::heap},
            0, 0, 0);
        if (!entered.has_value())
            return heap_end_;
    } else if (wanted < present) {
        if (!regions_.reserve(3).has_value() || !sys::address_space_unmap(space_, wanted, present - wanted).has_value())
            return heap_end_;
        regions_.remove(wanted, present);
    }
    heap_end_ = address;
    return heap_end_;
}

Memory::FaultCause Memory::classify_fault(std::uint64_t address, bool is_write, bool is_fetch) {
    bool has_backing = false;
    {
        Lock lock(mutex_);
        auto const* region = regions_.find(address);
        if (region == nullptr)
            return FaultCause::not_mapped;
        bool is_allowed = is_write   ? (region->access & protection::write) != 0
                          : is_fetch ? (region->access & protection::execute) != 0
                                     : region->access != 0;
        if (!is_allowed)
            return FaultCause::no_access;
        has_backing = static_cast<bool>(region->backing);
    }
    // Another thread may have mapped or unprotected the page since the fault, so the access is tried once more here,
    // where its error shows. Without the lock: a page may have to be read from a disk.
    auto const tried =
        is_write ? sys::address_space_commit(space_, align_down(address, page_size), page_size) : probe(address);
    if (tried.has_value())
        return FaultCause::passed;
    switch (tried.error()) {
    case Error::no_memory: return FaultCause::no_memory;
    // Others' faults were faster, or something that is to be done first ended the wait for the page.
    case Error::busy:
    case Error::interrupted: return FaultCause::passed;
    default: break;
    }
    // Anonymous memory is always there: this one was unmapped again, which the program's next attempt will show.
    return has_backing ? FaultCause::no_page : FaultCause::passed;
}

Result<> Memory::probe(std::uint64_t address) const {
    std::byte byte{};
    if (auto const read = sys::address_space_read(space_, address, std::span(&byte, 1)); !read.has_value())
        return astrata::fail(read.error());
    return {};
}

bool Memory::is_covered(std::uint64_t address, std::uint64_t length) {
    auto start = align_down(address, page_size);
    auto end = align_up(address + length, page_size);
    Lock lock(mutex_);
    return end >= start && regions_.is_covered(start, end);
}

LinuxResult<Memory::SharedPlace> Memory::shared_place(GuestAddress address) {
    Lock lock(mutex_);
    auto const* region = regions_.find(address.value);
    if (region == nullptr)
        return fail(Errno::efault);
    if (!region->is_shared || region->backing.get() == nullptr)
        return SharedPlace{};
    return SharedPlace{region->backing->object_id(), region->offset + (address.value - region->start)};
}

std::size_t Memory::read(std::uint64_t address, MutableBytes into) const {
    return sys::address_space_read(space_, address, into).value_or(0);
}

std::size_t Memory::write(std::uint64_t address, Bytes from) const {
    return sys::address_space_write(space_, address, from).value_or(0);
}

std::uint64_t Memory::virtual_bytes() {
    Lock lock(mutex_);
    return regions_.total();
}

std::uint64_t Memory::resident_bytes() const {
    auto information = sys::address_space_info(space_);
    return information.has_value() ? information->resident_bytes : 0;
}

std::uint64_t Memory::large_bytes() const {
    auto information = sys::address_space_info(space_);
    return information.has_value() ? information->large_bytes : 0;
}

MemoryLayout Memory::layout() {
    Lock lock(mutex_);
    return layout_;
}

void Memory::set_layout(MemoryLayout const& layout) {
    Lock lock(mutex_);
    layout_ = layout;
}

RefOrNull<RegionBacking> Memory::executable() {
    Lock lock(mutex_);
    return executable_;
}

void Memory::set_executable(RefOrNull<RegionBacking> executable) {
    Lock lock(mutex_);
    executable_ = std::move(executable);
}

SharedMemoryBacking::~SharedMemoryBacking() {
    static_cast<void>(sys::handle_close(object_));
}

std::size_t SharedMemoryBacking::describe(std::span<char> into) const {
    constexpr std::string_view name = "/dev/zero (deleted)";
    auto length = std::min(name.size(), into.size());
    std::ranges::copy(name.substr(0, length), into.begin());
    return length;
}

}  // namespace astrata::linux_abi
