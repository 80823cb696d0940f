// The kernel's own half of every address space: the image, the direct map of all memory, and the dynamic area of kernel
// stacks and device registers.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "kernel/boot/boot_info.h"
#include "kernel/mem/account.h"
#include "kernel/mem/audit.h"
#include "kernel/mem/frames.h"
#include "lib/base/result.h"
#include "lib/base/units.h"
#include "lib/paging/page_tables.h"

namespace astrata::kernel::mem {

/// Sets up memory management, once, on the boot CPU. The early page tables map the first 4 GiB directly; afterwards the
/// final kernel root is loaded, and frames, heap and kernel space work.
/// errors    no_memory
[[nodiscard]] Result<> initialize(BootInfo const& info);

/// The root that holds nothing but the kernel half; kernel threads and idle CPUs run on it.
[[nodiscard]] PhysAddr kernel_root();
/// Enters the kernel half into a fresh, zeroed root table. It never changes at the root level.
void copy_kernel_half(paging::TableEntries root);

/// A page that reads as zero, for whatever has not been written yet. It is never mapped writable.
[[nodiscard]] PhysAddr zero_page();

/// Maps device registers, uncached, for ever. `address` need not be page-aligned.
/// errors    no_memory, no_resources (the area is full), out_of_range
[[nodiscard]] Result<VirtAddr> map_device(PhysAddr address, std::uint64_t length);

/// A thread's stack in the kernel: four pages above an unmapped one, so that an overflow faults.
class KernelStack {
public:
    static constexpr std::uint64_t page_count = 4;

    /// errors    no_memory, no_resources (too many stacks)
    [[nodiscard]] static Result<KernelStack> create(Account& account);
    KernelStack(KernelStack&& other) noexcept : slot_(std::exchange(other.slot_, no_slot)), payer_(other.payer_) {}
    KernelStack& operator=(KernelStack&& other) noexcept {
        std::swap(slot_, other.slot_);
        std::swap(payer_, other.payer_);
        return *this;
    }
    ~KernelStack();

    /// One past the highest byte; 16-byte aligned.
    [[nodiscard]] VirtAddr top() const;
    /// The lowest usable byte.
    [[nodiscard]] VirtAddr bottom() const { return top() - page_count * page_size; }

private:
    static constexpr std::uint32_t no_slot = ~std::uint32_t{0};
    KernelStack(std::uint32_t slot, AccountId payer) : slot_(slot), payer_(payer) {}
    std::uint32_t slot_;
    AccountId payer_;
};

/// Walks the kernel half, hosted home spaces excepted, under its lock.
void audit_kernel_space(Auditor& auditor);

/// What the kernel half maps at an address; for tests and fault reports.
[[nodiscard]] std::optional<PhysAddr> query_kernel(VirtAddr address);

}  // namespace astrata::kernel::mem
