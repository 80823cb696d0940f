// Notifications: a word of bits, signalled without blocking.
#pragma once

#include "kernel/ipc/waitable.h"
#include "kernel/object/object.h"

namespace astrata::kernel {

class Notification final : public KernelObject {
public:
    explicit Notification(Ref<Account> account) : KernelObject(abi::ObjectKind::notification, std::move(account)) {}
    Waitable signals;
};

}  // namespace astrata::kernel
