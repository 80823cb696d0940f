// One object of each kind that a strate can have, to try calls on.
#pragma once

#include <array>

#include "sdk/handle.h"
#include "syscall-probe/environment.h"

namespace astrata::syscall_probe {

class Objects {
public:
    [[nodiscard]] static Result<Objects> create(Environment const& environment);

    /// A handle with every right that this process can have, or 0 for kinds that it has none of.
    [[nodiscard]] abi::Handle of_kind(std::uint32_t kind) const {
        return kind < handles_.size() ? handles_[kind].get() : 0;
    }
    /// A handle of another kind.
    [[nodiscard]] abi::Handle of_other_kind(std::uint32_t kind) const {
        auto const timer = static_cast<std::uint32_t>(abi::ObjectKind::timer);
        auto const notification = static_cast<std::uint32_t>(abi::ObjectKind::notification);
        return of_kind(kind == timer ? notification : timer);
    }
    /// A handle of the kind (any, if it is 0) without any right; empty for kinds that this process has none of.
    [[nodiscard]] sdk::UniqueHandle without_rights(std::uint32_t kind) const;
    /// A handle that was closed.
    [[nodiscard]] abi::Handle stale() const { return stale_; }

private:
    static constexpr std::size_t kinds = 15;
    void set(abi::ObjectKind kind, abi::Handle handle) {
        handles_[static_cast<std::size_t>(kind)] = sdk::UniqueHandle(handle);
    }

    std::array<sdk::UniqueHandle, kinds> handles_;
    abi::Handle stale_ = 0;
};

}  // namespace astrata::syscall_probe
