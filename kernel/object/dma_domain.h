// What one device may reach by DMA. Without an IOMMU a domain gives out memory and its addresses, and keeps that memory.
#pragma once

#include <atomic>

#include "kernel/mem/memory_object.h"

namespace astrata::kernel {

class DmaDomain final : public KernelObject {
public:
    explicit DmaDomain(Ref<Account> account) : KernelObject(abi::ObjectKind::dma_domain, std::move(account)) {}

    ~DmaDomain() override {
        for (auto* object = first_.load(std::memory_order_acquire); object != nullptr;) {
            auto* const next = object->next_in_domain;
            object->drop_reference();
            object = next;
        }
    }

    /// Keeps the memory allocated as long as the domain exists. A device may go on writing into it after its driver has
    /// died; whoever holds the domain brings the device to rest before closing it.
    void keep(Ref<MemoryObject> object) {
        auto* const added = object.leak();
        added->next_in_domain = first_.load(std::memory_order_relaxed);
        while (!first_.compare_exchange_weak(added->next_in_domain, added, std::memory_order_release,
                                             std::memory_order_relaxed)) {
        }
    }

private:
    std::atomic<MemoryObject*> first_ = nullptr;   // objects only join; all leave together
};

}  // namespace astrata::kernel
