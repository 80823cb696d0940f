// A program's memory: a Bedrock guest address space and the record of what is where. Shared by the tasks that clone()
// made with CLONE_VM.
#pragma once

#include <cstdint>

#include "abi/message.h"
#include "lib/base/bytes.h"
#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/memory/region_map.h"

namespace astrata::linux_abi {

/// mmap flags, Linux's numbers.
namespace map_flag {
inline constexpr std::uint32_t shared = 0x1;
inline constexpr std::uint32_t private_copy = 0x2;
inline constexpr std::uint32_t type_mask = 0xf;
inline constexpr std::uint32_t shared_validate = 0x3;
inline constexpr std::uint32_t fixed = 0x10;
inline constexpr std::uint32_t anonymous = 0x20;
inline constexpr std::uint32_t grows_down = 0x100;
inline constexpr std::uint32_t no_reserve = 0x4000;
inline constexpr std::uint32_t populate = 0x8000;
inline constexpr std::uint32_t stack = 0x20000;
inline constexpr std::uint32_t huge_pages = 0x40000;
inline constexpr std::uint32_t fixed_no_replace = 0x100000;
}  // namespace map_flag

/// What is to be mapped when it is not fresh memory.
struct MapSource {
    abi::Handle object = 0;            ///< borrowed for the call
    std::uint64_t offset = 0;          ///< page-aligned, in the object
    std::uint64_t backing_offset = 0;  ///< the same place in the file, for /proc/PID/maps
    RefOrNull<RegionBacking> backing;
    std::uint8_t access_limit = 7;  ///< what a shared mapping may ever be allowed
};

/// Where parts of the program lie, for /proc and brk. Set by exec.
struct MemoryLayout {
    std::uint64_t code_start = 0, code_end = 0;
    std::uint64_t data_start = 0, data_end = 0;
    std::uint64_t stack_start = 0;
    std::uint64_t arguments_start = 0, arguments_end = 0;
    std::uint64_t environment_start = 0, environment_end = 0;
    std::uint64_t auxiliary_start = 0, auxiliary_length = 0;
    std::uint64_t vdso = 0;     ///< AT_SYSINFO_EHDR
    std::uint64_t map_top = 0;  ///< new mappings go below
};

class Memory : public RefCounted<Memory> {
public:
    static void destroy(Memory* memory) { delete memory; }
    /// An empty space.
    static LinuxResult<Ref<Memory>> create();
    /// fork: a copy of everything; private contents are copied when written.
    [[nodiscard]] LinuxResult<Ref<Memory>> clone();
    ~Memory();

    [[nodiscard]] abi::Handle space() const { return space_; }

    /// mmap. `source.object` 0 maps fresh memory. Returns the address.
    /// errors    enomem, einval, eexist (fixed_no_replace), eperm (below guest_minimum), eacces
    [[nodiscard]] LinuxResult<std::uint64_t> map(std::uint64_t address, std::uint64_t length, std::uint8_t access,
                                                 std::uint32_t flags, MapSource source,
                                                 RegionKind kind = RegionKind::ordinary);
    [[nodiscard]] LinuxResult<> unmap(std::uint64_t address, std::uint64_t length);
    [[nodiscard]] LinuxResult<> protect(std::uint64_t address, std::uint64_t length, std::uint8_t access);
    [[nodiscard]] LinuxResult<std::uint64_t> remap(std::uint64_t address, std::uint64_t old_length,
                                                   std::uint64_t new_length, std::uint32_t flags,
                                                   std::uint64_t new_address);
    [[nodiscard]] LinuxResult<> advise(std::uint64_t address, std::uint64_t length, std::int32_t advice);
    /// Sets the end of the heap if possible; returns what it is then.
    [[nodiscard]] std::uint64_t set_break(std::uint64_t address, std::uint64_t data_limit, std::uint64_t total_limit);
    /// exec: where the heap begins.
    void start_heap(std::uint64_t address);

    /// What a fault at `address` means.
    enum class FaultCause : std::uint8_t {
        not_mapped,
        no_access,
        no_page,    ///< beyond the object's end, or it could not be read
        no_memory,  ///< fresh memory that the silo may not have
        passed,     ///< none any more: the program may try again
    };
    [[nodiscard]] FaultCause classify_fault(std::uint64_t address, bool is_write, bool is_fetch);

    /// Whether regions cover the range.
    [[nodiscard]] bool is_covered(std::uint64_t address, std::uint64_t length);

    /// For futexes: the shared object and offset behind an address; object 0 for private memory.
    struct SharedPlace {
        std::uint64_t object = 0;
        std::uint64_t offset = 0;
    };
    [[nodiscard]] LinuxResult<SharedPlace> shared_place(GuestAddress address);

    /// Reads (or writes) without being the current space: /proc/PID/cmdline, environ, mem. Returns how much.
    [[nodiscard]] std::size_t read(std::uint64_t address, MutableBytes into) const;
    [[nodiscard]] std::size_t write(std::uint64_t address, Bytes from) const;

    [[nodiscard]] std::uint64_t virtual_bytes();
    [[nodiscard]] std::uint64_t resident_bytes() const;
    /// Of those, in 2 MiB pages.
    [[nodiscard]] std::uint64_t large_bytes() const;

    [[nodiscard]] MemoryLayout layout();
    void set_layout(MemoryLayout const& layout);
    /// The program file, for /proc/PID/exe and maps; set by exec.
    [[nodiscard]] RefOrNull<RegionBacking> executable();
    void set_executable(RefOrNull<RegionBacking> executable);

    /// Calls `visit(Region const&)` for each region with the record locked.
    template <typename Visitor>
    void for_each_region(Visitor visit) {
        Lock lock(mutex_);
        for (auto const& region : regions_.regions())
            visit(region);
    }

private:
    explicit Memory(abi::Handle space) : space_(space) {}
    template <typename T, typename... Arguments>
    friend LinuxResult<Ref<T>> make_ref(Arguments&&... arguments);

    [[nodiscard]] LinuxResult<std::uint64_t> place_locked(std::uint64_t address, std::uint64_t length,
                                                          std::uint32_t flags, std::uint64_t alignment)
        REQUIRES(mutex_);
    [[nodiscard]] LinuxResult<> enter_locked(Region&& region, abi::Handle object, std::uint64_t object_offset,
                                             std::uint32_t flags) REQUIRES(mutex_);
    [[nodiscard]] LinuxResult<> discard_locked(std::uint64_t start, std::uint64_t end) REQUIRES(mutex_);
    /// Reads a byte, for the error.
    [[nodiscard]] Result<> probe(std::uint64_t address) const;

    abi::Handle const space_;
    Mutex mutex_;
    RegionMap regions_ GUARDED_BY(mutex_);
    MemoryLayout layout_ GUARDED_BY(mutex_);
    std::uint64_t heap_start_ GUARDED_BY(mutex_) = 0;
    std::uint64_t heap_end_ GUARDED_BY(mutex_) = 0;  // as the program set it, not aligned
    RefOrNull<RegionBacking> executable_ GUARDED_BY(mutex_);
};

/// An object shared between processes that is no file: MAP_SHARED | MAP_ANONYMOUS.
class SharedMemoryBacking final : public RegionBacking {
public:
    /// Takes the handle over.
    SharedMemoryBacking(abi::Handle object, std::uint64_t id) : object_(object), id_(id) {}
    ~SharedMemoryBacking() override;
    [[nodiscard]] std::uint64_t object_id() const override { return id_; }
    [[nodiscard]] std::uint64_t inode() const override { return id_; }
    [[nodiscard]] std::size_t describe(std::span<char> into) const override;

private:
    abi::Handle const object_;
    std::uint64_t const id_;
};

}  // namespace astrata::linux_abi
