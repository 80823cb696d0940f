#include "kernel/object/object.h"

#include "kernel/mem/heap.h"

namespace astrata::kernel {

namespace {

std::atomic<std::uint64_t> next_id = 1;

}  // namespace

KernelObject::KernelObject(abi::ObjectKind kind, Ref<Account> account)
    : kind_(kind), id_(next_id.fetch_add(1, std::memory_order_relaxed)), account_(std::move(account)) {}

KernelObject::~KernelObject() = default;

void KernelObject::destroy(KernelObject* object) {
    // The destructor drops the object's reference to its account, but the charge, which operator delete returns, keeps
    // the account alive; its id is all that is needed until then.
    auto const payer = object->account_->id();
    UnchargeBatch batch;
    auto const size = object->charged_bytes_;
    delete object;
    batch.add(payer, size);
}

void KernelObject::operator delete(void* memory, std::size_t size) {
    mem::heap_free(memory, size);
}

}  // namespace astrata::kernel
