// What one device may reach by DMA. Without an IOMMU a domain only gives out memory and its addresses.
#pragma once

#include "kernel/object/object.h"

namespace astrata::kernel {

class DmaDomain final : public KernelObject {
public:
    explicit DmaDomain(Ref<Account> account) : KernelObject(abi::ObjectKind::dma_domain, std::move(account)) {}
};

}  // namespace astrata::kernel
