// System calls on the trace rings; only the root silo's handle opens them.
#include "abi/kernel_calls.h"
#include "kernel/mem/memory_object.h"
#include "kernel/object/lookup.h"
#include "kernel/object/silo.h"
#include "kernel/trace/trace.h"

namespace astrata::kernel {

Result<> sys_trace_control(Thread&, TraceControlArgs const& args) {
    if (!args.root->is_root())
        return fail(Error::access_denied);
    return trace::control(*args.root,
                          {.groups = args.groups, .silo = args.silo, .process = args.process, .buffer = args.buffer});
}

Result<abi::Handle> sys_trace_ring(Thread& caller, TraceRingArgs const& args) {
    if (!args.root->is_root())
        return fail(Error::access_denied);
    using enum abi::Rights;
    return install_handle(caller, TRY(trace::ring(args.cpu)), read | map | inspect | duplicate | transfer);
}

}  // namespace astrata::kernel
