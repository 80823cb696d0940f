// What an audit walks: the kernel's own root, then one address space after the other.
#include "arch/image.h"
#include "kernel/log/print.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/audit.h"
#include "kernel/mem/kernel_space.h"

namespace astrata::kernel::mem {

Auditor audit_all_memory() {
    Auditor auditor(arch::image_sections());
    audit_kernel_space(auditor);
    for (auto space = AddressSpace::next(0); space; space = AddressSpace::next(space->id()))
        space->audit(auditor);
    return auditor;
}

void audit_at_boot() {
    auto const auditor = audit_all_memory();
    auto const& found = auditor.found();
    print("memory audit: ", found.tables, " page tables, ", found.kernel_code, " kernel code, ", found.kernel_constants, " constant, ",
          found.kernel_data, " data, ", found.kernel_devices, " device mappings; ", auditor.violations(), " violations");
}

}  // namespace astrata::kernel::mem
