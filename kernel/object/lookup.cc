#include "kernel/object/lookup.h"

#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

Result<Ref<KernelObject>> lookup_any(Thread& caller, abi::Handle handle, abi::Rights rights) {
    auto found = TRY(caller.process().handles().find(handle));
    if ((found.rights & rights) != rights)
        return fail(Error::access_denied);
    return std::move(found.object);
}

Result<Ref<KernelObject>> lookup_kind(Thread& caller, abi::Handle handle, abi::ObjectKind kind, abi::Rights rights) {
    return caller.process().handles().find_kind(handle, kind, rights);
}

Result<Ref<KernelObject>> lookup_kind(Thread& caller, abi::Handle handle, abi::ObjectKind kind, abi::Rights rights, abi::Rights& found) {
    return caller.process().handles().find_kind(handle, kind, rights, found);
}

Result<abi::Handle> install_handle(Thread& caller, Ref<KernelObject> object, abi::Rights rights) {
    return caller.process().handles().insert(std::move(object), rights);
}

}  // namespace astrata::kernel
