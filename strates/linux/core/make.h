// Building counted objects where running out of memory is an ordinary error.
#pragma once

#include <new>
#include <utility>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

/// A new T in the caller's ownership. T's constructor cannot fail.
/// errors    enomem
template <typename T, typename... Arguments>
[[nodiscard]] LinuxResult<Ref<T>> make_ref(Arguments&&... arguments) {
    T* object = new (std::nothrow) T(std::forward<Arguments>(arguments)...);
    if (object == nullptr)
        return fail(Errno::enomem);
    return Ref<T>::adopt(*object);
}

}  // namespace astrata::linux_abi
