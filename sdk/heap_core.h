// The allocator behind operator new, over any source of memory, so that the host can test it. Not thread-safe by
// itself.
//
// Small objects of one size class share spans of 64 KiB, which begin with a header; any object's span is found by
// masking its address. Spans are cut from arenas of 1 MiB. Larger objects get mappings of their own, aligned likewise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace astrata::sdk {

/// Where memory comes from.
class PageSource {
public:
    virtual ~PageSource() = default;
    /// `bytes` (a multiple of the span size) of zeroed memory aligned to the span size; 0 if there is none.
    virtual std::uintptr_t map(std::size_t bytes) = 0;
    virtual void unmap(std::uintptr_t address, std::size_t bytes) = 0;
    /// Whether the range's pages are there from now on, so that touching them cannot fail.
    virtual bool commit(std::uintptr_t address, std::size_t bytes) = 0;
    /// The contents may go; the range reads as zero, or as before.
    virtual void discard(std::uintptr_t address, std::size_t bytes) = 0;
};

/// Whether the caller can do without: only who cannot is given what is left near the end of memory, since pages that
/// are missing when they are touched end the process.
enum class Need { can_fail, must_have };

class HeapCore {
public:
    static constexpr std::size_t span_bytes = 64 << 10;
    static constexpr std::size_t arena_bytes = 1 << 20;

    constexpr explicit HeapCore(PageSource& source) : source_(&source) {}

    /// `alignment` is a power of two, at most a page. Null when memory is out.
    void* allocate(std::size_t bytes, std::size_t alignment, Need need = Need::can_fail);
    /// `memory` came from allocate(), or is null.
    void release(void* memory);

    [[nodiscard]] std::size_t allocated_bytes() const { return allocated_bytes_; }
    [[nodiscard]] std::size_t mapped_bytes() const { return mapped_bytes_; }

private:
    struct FreeObject {
        FreeObject* next;
    };
    struct Span {
        std::uint32_t class_index;  // of a small span; `large` otherwise
        std::uint32_t used;         // live objects
        std::uint32_t fresh;        // objects from here on were never handed out
        std::uint32_t is_listed;    // has room and is on its class's list
        FreeObject* free;
        Span* next;
        Span* previous;
        std::size_t bytes;  // of a large object: its mapping
    };
    static constexpr std::uint32_t large = ~std::uint32_t{0};
    static constexpr std::size_t header_bytes = 64;
    static_assert(sizeof(Span) <= header_bytes);
    static constexpr std::array<std::uint16_t, 22> classes{16,   32,   48,   64,   80,    96,   128,  160,
                                                           192,  256,  320,  384,  512,   768,  1024, 1536,
                                                           2048, 3072, 4096, 8192, 12288, 16384};
    static constexpr std::size_t empty_spans_kept = 8;
    static constexpr std::size_t large_kept_limit = 2 << 20;

    static std::size_t class_of(std::size_t bytes);
    static Span* span_of(void* memory);
    static std::uint32_t capacity(std::uint32_t class_index) {
        return static_cast<std::uint32_t>((span_bytes - header_bytes) / classes[class_index]);
    }
    void* allocate_small(std::size_t class_index, Need need);
    void* allocate_large(std::size_t bytes, std::size_t alignment, Need need);
    bool commit(void* address, std::size_t bytes, Need need);
    void release_large(Span* span);
    Span* new_span(std::size_t class_index, Need need);
    Span* take_empty_span(Need need);
    void keep_empty_span(Span* span);
    void list(Span* span);
    void unlist(Span* span);

    PageSource* source_;
    std::array<Span*, classes.size()> with_room_{};
    Span* empty_ = nullptr;  // still mapped, used by no class
    std::size_t empty_count_ = 0;
    std::uintptr_t arena_ = 0;  // not yet cut up
    std::uintptr_t arena_end_ = 0;
    Span* large_kept_ = nullptr;  // released mappings of large objects, to be used again
    std::size_t large_kept_bytes_ = 0;
    std::size_t allocated_bytes_ = 0;
    std::size_t mapped_bytes_ = 0;
};

}  // namespace astrata::sdk
