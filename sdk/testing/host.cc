// On the host, where tests run, there is no vDSO: every call fails until a test puts its own functions into the table.
#include "abi/vdso_unsupported.h"
#include "sdk/thread_context.h"

namespace astrata {

extern "C" {
VdsoTable astrata_vdso = unsupported_vdso_table;
}

namespace sdk {

ThreadContext& thread_context() {
    thread_local abi::MessageBuffer buffer{};
    thread_local ThreadContext context{.message_buffer = &buffer};
    return context;
}

}  // namespace sdk

}  // namespace astrata
