// Threads of a strate.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/start/layout.h"
#include "sdk/handle.h"

namespace astrata::sdk {

class Thread {
public:
    using Function = void (*)(void* argument);

    /// Runs function(argument) on a new thread with its own stack, below which lies unmapped memory; the thread ends
    /// when the function returns. Stack memory is used as it is touched. It begins with `priority`
    /// (thread_set_priority), if that is allowed.
    /// errors    no_memory, no_resources (thread limit), invalid_argument (stack larger than a slot)
    [[nodiscard]] static Result<Thread> spawn(Function function, void* argument, std::string_view name,
                                              std::uint64_t stack_bytes = start::main_stack_bytes,
                                              std::uint32_t priority = standard_priority);
    static constexpr std::uint32_t standard_priority = 16;

    /// The thread's handle. Dropping it lets the thread run on by itself.
    [[nodiscard]] abi::Handle get() const { return handle_.get(); }
    [[nodiscard]] UniqueHandle& handle() { return handle_; }

private:
    explicit Thread(UniqueHandle handle) : handle_(std::move(handle)) {}
    UniqueHandle handle_;
};

/// The calling thread's own handle, borrowed.
abi::Handle current_thread();

}  // namespace astrata::sdk
