// What an audit walks: the kernel's own root, then one address space after the other.
#include "arch/image.h"
#include "arch/user_view.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/audit.h"
#include "kernel/mem/kernel_space.h"

namespace astrata::kernel::mem {

Auditor audit_all_memory() {
    Auditor auditor(arch::image_sections());
    audit_kernel_space(auditor);
    if (arch::has_user_views())
        auditor.walk(arch::user_view_root(), 0, paging::entries_per_table, Auditor::View::kernel);
    for (auto space = AddressSpace::next(0); space; space = AddressSpace::next(space->id()))
        space->audit(auditor);
    return auditor;
}

}  // namespace astrata::kernel::mem
