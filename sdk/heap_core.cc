#include "sdk/heap_core.h"

#include <algorithm>

#include "lib/base/units.h"

namespace astrata::sdk {

#pragma clang unsafe_buffer_usage begin  // an allocator is where raw memory becomes objects; every address is inside a
                                         // span

std::size_t HeapCore::class_of(std::size_t bytes) {
    std::size_t index = 0;
    while (index != classes.size() && classes[index] < bytes)
        ++index;
    return index;
}

HeapCore::Span* HeapCore::span_of(void* memory) {
    return reinterpret_cast<Span*>(reinterpret_cast<std::uintptr_t>(memory) & ~(span_bytes - 1));
}

void* HeapCore::allocate(std::size_t bytes, std::size_t alignment, Need need) {
    bytes = std::max<std::size_t>(bytes, 1);
    // Objects lie at multiples of 16 behind the header; larger alignments go by way of a mapping of their own, which
    // begins with enough room.
    if (alignment <= 16) {
        if (auto const index = class_of(bytes); index != classes.size())
            return allocate_small(index, need);
    }
    return allocate_large(bytes, std::max(alignment, header_bytes), need);
}

void* HeapCore::allocate_small(std::size_t class_index, Need need) {
    auto* span = with_room_[class_index];
    if (span == nullptr) {
        span = new_span(class_index, need);
        if (span == nullptr)
            return nullptr;
    }
    void* object = nullptr;
    if (span->free != nullptr) {
        object = span->free;
        span->free = span->free->next;
    } else {
        object = reinterpret_cast<std::byte*>(span) + header_bytes + std::size_t{span->fresh} * classes[class_index];
        ++span->fresh;
    }
    ++span->used;
    if (span->free == nullptr && span->fresh == capacity(span->class_index))
        unlist(span);
    allocated_bytes_ += classes[class_index];
    return object;
}

void HeapCore::release(void* memory) {
    if (memory == nullptr)
        return;
    auto* const span = span_of(memory);
    if (span->class_index == large)
        return release_large(span);
    auto* const object = static_cast<FreeObject*>(memory);
    object->next = span->free;
    span->free = object;
    --span->used;
    allocated_bytes_ -= classes[span->class_index];
    if (span->is_listed == 0)
        list(span);
    // The last span of a class stays: the next allocation is likely to come soon.
    if (span->used == 0 && (span->next != nullptr || span->previous != nullptr)) {
        unlist(span);
        keep_empty_span(span);
    }
}

HeapCore::Span* HeapCore::new_span(std::size_t class_index, Need need) {
    auto* const span = take_empty_span(need);
    if (span == nullptr)
        return nullptr;
    *span = {.class_index = static_cast<std::uint32_t>(class_index)};
    list(span);
    return span;
}

bool HeapCore::commit(void* address, std::size_t bytes, Need need) {
    return source_->commit(reinterpret_cast<std::uintptr_t>(address), bytes) || need == Need::must_have;
}

// Only the page that is touched at once is committed: small objects are written soon after they are handed out, and few
// spans are half used, so what they still lack is little. A refusal tells that memory is short.
HeapCore::Span* HeapCore::take_empty_span(Need need) {
    if (empty_ != nullptr) {
        if (!commit(empty_, page_size, need))
            return nullptr;
        --empty_count_;
        return std::exchange(empty_, empty_->next);
    }
    if (arena_ == arena_end_) {
        auto size = arena_bytes;
        arena_ = source_->map(size);
        if (arena_ == 0) {
            // Near the limit a single span may still be had.
            size = span_bytes;
            arena_ = source_->map(size);
        }
        arena_end_ = arena_ == 0 ? 0 : arena_ + size;
        if (arena_ == 0)
            return nullptr;
        mapped_bytes_ += size;
    }
    auto* const span = reinterpret_cast<Span*>(arena_);
    if (!commit(span, page_size, need))
        return nullptr;
    arena_ += span_bytes;
    return span;
}

void HeapCore::keep_empty_span(Span* span) {
    // Beyond a few, memory goes back; the first page stays, since it holds the link.
    if (empty_count_ >= empty_spans_kept)
        source_->discard(reinterpret_cast<std::uintptr_t>(span) + page_size, span_bytes - page_size);
    span->next = empty_;
    empty_ = span;
    ++empty_count_;
}

void HeapCore::list(Span* span) {
    auto*& first = with_room_[span->class_index];
    span->previous = nullptr;
    span->next = first;
    if (first != nullptr)
        first->previous = span;
    first = span;
    span->is_listed = 1;
}

void HeapCore::unlist(Span* span) {
    (span->previous != nullptr ? span->previous->next : with_room_[span->class_index]) = span->next;
    if (span->next != nullptr)
        span->next->previous = span->previous;
    span->next = span->previous = nullptr;
    span->is_listed = 0;
}

void* HeapCore::allocate_large(std::size_t bytes, std::size_t alignment, Need need) {
    if (bytes > ~std::size_t{0} / 2 || alignment > page_size)
        return nullptr;
    auto const needed = align_up(bytes + alignment, span_bytes);
    Span* span = nullptr;
    for (auto** at = &large_kept_; *at != nullptr; at = &(*at)->next) {
        // Not much larger than needed, or the waste would be lasting.
        if ((*at)->bytes >= needed && (*at)->bytes <= needed + needed / 4) {
            span = *at;
            *at = span->next;
            large_kept_bytes_ -= span->bytes;
            break;
        }
    }
    if (span == nullptr) {
        auto const mapped = source_->map(needed);
        if (mapped == 0)
            return nullptr;
        span = reinterpret_cast<Span*>(mapped);
        if (!commit(span, align_up(bytes + alignment, page_size), need)) {
            source_->unmap(mapped, needed);
            return nullptr;
        }
        mapped_bytes_ += needed;
        *span = {.class_index = large, .bytes = needed};
    }
    allocated_bytes_ += span->bytes;
    return reinterpret_cast<std::byte*>(span) + alignment;
}

void HeapCore::release_large(Span* span) {
    allocated_bytes_ -= span->bytes;
    if (span->bytes + large_kept_bytes_ <= large_kept_limit) {
        large_kept_bytes_ += span->bytes;
        span->next = large_kept_;
        large_kept_ = span;
        return;
    }
    mapped_bytes_ -= span->bytes;
    source_->unmap(reinterpret_cast<std::uintptr_t>(span), span->bytes);
}

#pragma clang unsafe_buffer_usage end

}  // namespace astrata::sdk
