// A page that user space and the kernel share: a thread's message buffer.
#pragma once

#include "kernel/mem/memory_object.h"

namespace astrata::kernel::mem {

/// A memory object of one page, and its page, which stays where it is.
class ResidentPage {
public:
    /// errors    no_memory
    [[nodiscard]] static Result<ResidentPage> create(Account& account) {
        auto object = TRY(MemoryObject::create(account, page_size));
        PinnedPage pin;
        {
            LockGuard guard(object->lock());
            auto const page = TRY(object->page_for_write_locked(0));
            pin = PinnedPage(page.page);
        }
        return ResidentPage(std::move(object), std::move(pin));
    }

    /// The object keeps the page even when this is gone, as long as nobody else gets a handle to it.
    [[nodiscard]] Ref<MemoryObject> object() const { return object_; }
    /// Through the direct map.
    [[nodiscard]] void* address() const { return pin_.address(); }

private:
    ResidentPage(Ref<MemoryObject> object, PinnedPage pin) : object_(std::move(object)), pin_(std::move(pin)) {}
    Ref<MemoryObject> object_;
    PinnedPage pin_;
};

}  // namespace astrata::kernel::mem
