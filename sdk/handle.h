// Ownership of a handle.
#pragma once

#include <utility>

#include "abi/system_calls.h"

namespace astrata::sdk {

/// A handle that is closed when its owner goes away.
class UniqueHandle {
public:
    UniqueHandle() = default;
    /// Takes over a handle that the caller owns.
    explicit UniqueHandle(abi::Handle handle) : handle_(handle) {}
    UniqueHandle(UniqueHandle&& other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
    UniqueHandle& operator=(UniqueHandle&& other) noexcept {
        if (this != &other) {
            reset();
            handle_ = std::exchange(other.handle_, 0);
        }
        return *this;
    }
    ~UniqueHandle() { reset(); }

    explicit operator bool() const { return handle_ != 0; }
    /// The handle, still owned.
    [[nodiscard]] abi::Handle get() const { return handle_; }
    /// Gives up ownership.
    [[nodiscard]] abi::Handle release() { return std::exchange(handle_, 0); }
    void reset() {
        // Closing can only fail for handles that are gone already, revoked for instance.
        if (handle_ != 0)
            (void)sys::handle_close(std::exchange(handle_, 0));
    }

    /// A new handle to the same object with at most these rights. `badge` is stamped on messages sent through it.
    [[nodiscard]] Result<UniqueHandle> duplicate(abi::Rights rights, std::uint64_t badge = 0) const {
        return UniqueHandle(TRY(sys::handle_duplicate(handle_, rights, badge)));
    }

private:
    abi::Handle handle_ = 0;
};

}  // namespace astrata::sdk
