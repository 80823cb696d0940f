// Building objects where running out of memory is an ordinary error.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/ref.h"
#include "lib/base/result.h"

namespace astrata::chevron {

/// A new counted T. T's constructor cannot fail.
/// errors    no_memory
template <typename T, typename... Arguments>
[[nodiscard]] Result<Ref<T>> make_ref(Arguments&&... arguments) {
    T* const object = new (std::nothrow) T(std::forward<Arguments>(arguments)...);
    if (object == nullptr)
        return fail(Error::no_memory);
    return Ref<T>::adopt(*object);
}

template <typename T, typename... Arguments>
[[nodiscard]] Result<std::unique_ptr<T>> make_owned(Arguments&&... arguments) {
    T* const object = new (std::nothrow) T(std::forward<Arguments>(arguments)...);
    if (object == nullptr)
        return fail(Error::no_memory);
    return std::unique_ptr<T>(object);
}

/// Bytes on the heap, not initialised.
class HeapBytes {
public:
    /// errors    no_memory
    [[nodiscard]] static Result<HeapBytes> create(std::size_t size) {
        HeapBytes made;
        made.storage_.reset(new (std::nothrow) std::byte[size]);
        if (made.storage_ == nullptr)
            return fail(Error::no_memory);
        made.size_ = size;
        return made;
    }
    [[nodiscard]] MutableBytes span() const {
        // Pointer and length were allocated together.
#pragma clang unsafe_buffer_usage begin
        return {storage_.get(), size_};
#pragma clang unsafe_buffer_usage end
    }

private:
    std::unique_ptr<std::byte[]> storage_;
    std::size_t size_ = 0;
};

}  // namespace astrata::chevron
