// How kernel objects come to be.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "kernel/mem/heap.h"
#include "kernel/object/object.h"

namespace astrata::kernel {

// Charges the memory that the object takes, then constructs T(Ref<Account>, arguments...) in it. KernelObject::destroy
// reverses both.
template <typename T, typename... Arguments>
Result<Ref<T>> make_object(Account& account, Arguments&&... arguments) {
    static_assert(std::is_base_of_v<KernelObject, T>);
    static_assert(alignof(T) <= 16);
    auto charge = TRY(PendingCharge::make(account, mem::heap_charge(sizeof(T))));
    void* const memory = mem::heap_allocate(sizeof(T));
    if (memory == nullptr)
        return fail(Error::no_memory);
    auto& object = *new (memory) T(Ref<Account>::share(account), std::forward<Arguments>(arguments)...);
    static_cast<KernelObject&>(object).charged_bytes_ = static_cast<std::uint32_t>(mem::heap_charge(sizeof(T)));
    charge.keep();
    return Ref<T>::adopt(object);
}

}  // namespace astrata::kernel
