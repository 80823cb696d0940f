#include "sdk/thread.h"

#include "sdk/thread_context.h"

namespace astrata::sdk {

abi::Handle current_thread() {
    return thread_context().thread;
}

}  // namespace astrata::sdk
