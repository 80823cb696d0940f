// Two processors' memory accesses, played by the tests: TLBs that forget only what they are told to, a walk of the page
// tables, and the fault handler.
#pragma once

#include <array>
#include <map>

#include "kernel/mem/address_space.h"
#include "kernel/mem/fakes_test.h"

namespace astrata::kernel {

class TestMmu {
public:
    TestMmu() {
        fakes.on_flush = [this](VirtAddr start, std::uint64_t pages) { flush(start, pages); };
    }
    ~TestMmu() { fakes.on_flush = nullptr; }
    TestMmu(TestMmu const&) = delete;
    TestMmu& operator=(TestMmu const&) = delete;

    void flush(VirtAddr start, std::uint64_t pages) {
        for (auto& tlb : tlbs_)
            std::erase_if(tlb, [&](auto const& cached) {
                return cached.first.second >= start.page() && cached.first.second < start.page() + pages;
            });
    }
    void forget_root(PhysAddr root) {
        for (auto& tlb : tlbs_)
            std::erase_if(tlb, [&](auto const& cached) { return cached.first.first == root.value; });
    }

    /// Where the page is, for one access.
    /// errors    of the fault handler
    Result<PhysAddr> translate(AddressSpace& space, PhysAddr root, VirtAddr address, abi::Access access) {
        // Another CPU each time, more or less: what one did must be seen by the other.
        pick_ = pick_ * 6364136223846793005 + 1442695040888963407;
        auto& tlb = tlbs_[pick_ >> 63];
        for (int attempt = 0; attempt < 4; ++attempt) {
            auto const cached = tlb.find({root.value, address.page()});
            if (cached != tlb.end() && permits(cached->second, access))
                return arch::PageFormat::address(cached->second, 0);
            if (auto const entry = walk(root, address); permits(entry, access)) {
                tlb[{root.value, address.page()}] = entry;
                continue;
            }
            // As on x86: a fault removes the page from this TLB.
            tlb.erase({root.value, address.page()});
            ++faults;
            TRY(space.handle_fault(address, access));
        }
        return fail(Error::busy);  // a fault was resolved, but the access still fails
    }
    Result<std::uint64_t> read(AddressSpace& space, VirtAddr address) {
        auto const page = TRY(translate(space, space.native_root(), address, abi::Access::read));
        return load<std::uint64_t>(mem::page_bytes(page), address.page_offset());
    }
    Result<> write(AddressSpace& space, VirtAddr address, std::uint64_t value) {
        auto const page = TRY(translate(space, space.native_root(), address, abi::Access::write));
        return store(mem::page_bytes(page), address.page_offset(), value);
    }

    std::uint64_t faults = 0;

private:
    static bool permits(paging::Entry entry, abi::Access access) {
        if (!arch::PageFormat::is_present(entry))
            return false;
        auto const attributes = arch::PageFormat::attributes(entry, 0);
        return (access != abi::Access::write || attributes.write) &&
               (access != abi::Access::execute || attributes.execute);
    }
    static paging::Entry walk(PhysAddr root, VirtAddr address) {
        auto table = root;
        for (int level = arch::PageFormat::levels - 1; level > 0; --level) {
            auto const entry = mem::table_entries(table)[paging::index_at(address, level)];
            if (!arch::PageFormat::is_present(entry))
                return 0;
            if (arch::PageFormat::is_leaf(entry, level)) {
                // As processors may that keep a larger page as small ones: what is not flushed by its own address stays.
                auto const offset = align_down(address.value & (paging::bytes_of(level) - 1), page_size);
                return arch::PageFormat::leaf(arch::PageFormat::address(entry, level) + offset,
                                              arch::PageFormat::attributes(entry, level), 0);
            }
            table = arch::PageFormat::address(entry, level);
        }
        return mem::table_entries(table)[paging::index_at(address, 0)];
    }

    using Tlb = std::map<std::pair<std::uint64_t, std::uint64_t>, paging::Entry>;  // by root and page
    std::array<Tlb, 2> tlbs_;
    std::uint64_t pick_ = 1;
};

}  // namespace astrata::kernel
