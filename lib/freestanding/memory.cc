// memcpy, memmove, memset, memcmp and the few string functions that the compiler and libc++ call in freestanding code.
// Copies move eight bytes at a time, unrolled: the fastest way under emulation and good on real processors.
#include <cstddef>
#include <cstdint>

#include <string.h>

#pragma clang unsafe_buffer_usage begin  // these functions are what spans are built on

namespace {

using Word __attribute__((may_alias, aligned(1))) = std::uint64_t;

}  // namespace

extern "C" {

void* memcpy(void* __restrict to, void const* __restrict from, std::size_t count) {
    auto* destination = static_cast<unsigned char*>(to);
    auto const* source = static_cast<unsigned char const*>(from);
    while (count >= 64) {
        auto* d = reinterpret_cast<Word*>(destination);
        auto const* s = reinterpret_cast<Word const*>(source);
        std::uint64_t const a = s[0], b = s[1], c = s[2], e = s[3];
        d[0] = a, d[1] = b, d[2] = c, d[3] = e;
        std::uint64_t const f = s[4], g = s[5], h = s[6], i = s[7];
        d[4] = f, d[5] = g, d[6] = h, d[7] = i;
        destination += 64, source += 64, count -= 64;
    }
    while (count >= 8) {
        *reinterpret_cast<Word*>(destination) = *reinterpret_cast<Word const*>(source);
        destination += 8, source += 8, count -= 8;
    }
    while (count != 0) {
        *destination++ = *source++;
        --count;
    }
    return to;
}

void* memmove(void* to, void const* from, std::size_t count) {
    auto* destination = static_cast<unsigned char*>(to);
    auto const* source = static_cast<unsigned char const*>(from);
    if (destination == source)
        return to;
    if (destination < source || destination >= source + count) {
        // Front to back is safe: every byte is read before a later step overwrites it, eight at a time too, as long as
        // the distance is at least eight.
        if (destination > source || source - destination >= 8) {
            while (count >= 8) {
                *reinterpret_cast<Word*>(destination) = *reinterpret_cast<Word const*>(source);
                destination += 8, source += 8, count -= 8;
            }
        }
        while (count != 0) {
            *destination++ = *source++;
            --count;
        }
        return to;
    }
    if (destination - source >= 8) {
        while (count >= 8) {
            count -= 8;
            *reinterpret_cast<Word*>(destination + count) = *reinterpret_cast<Word const*>(source + count);
        }
    }
    while (count != 0) {
        --count;
        destination[count] = source[count];
    }
    return to;
}

void* memset(void* to, int value, std::size_t count) {
    auto* destination = static_cast<unsigned char*>(to);
    std::uint64_t const pattern = 0x0101010101010101ULL * static_cast<unsigned char>(value);
    while (count >= 64) {
        auto* d = reinterpret_cast<Word*>(destination);
        d[0] = pattern, d[1] = pattern, d[2] = pattern, d[3] = pattern;
        d[4] = pattern, d[5] = pattern, d[6] = pattern, d[7] = pattern;
        destination += 64, count -= 64;
    }
    while (count >= 8) {
        *reinterpret_cast<Word*>(destination) = pattern;
        destination += 8, count -= 8;
    }
    while (count != 0) {
        *destination++ = static_cast<unsigned char>(value);
        --count;
    }
    return to;
}

int memcmp(void const* left, void const* right, std::size_t count) {
    auto const* a = static_cast<unsigned char const*>(left);
    auto const* b = static_cast<unsigned char const*>(right);
    while (count >= 8 && *reinterpret_cast<Word const*>(a) == *reinterpret_cast<Word const*>(b))
        a += 8, b += 8, count -= 8;
    for (; count != 0; ++a, ++b, --count) {
        if (*a != *b)
            return *a - *b;
    }
    return 0;
}

std::size_t strlen(char const* text) {
    std::size_t length = 0;
    while (text[length] != 0)
        ++length;
    return length;
}
std::size_t strnlen(char const* text, std::size_t limit) {
    std::size_t length = 0;
    while (length < limit && text[length] != 0)
        ++length;
    return length;
}

void* memchr(void const* bytes, int value, std::size_t count) {
    auto const* at = static_cast<unsigned char const*>(bytes);
    for (; count != 0; ++at, --count) {
        if (*at == static_cast<unsigned char>(value))
            return const_cast<unsigned char*>(at);
    }
    return nullptr;
}

char* strrchr(char const* text, int value) {
    char const* last = nullptr;
    for (;; ++text) {
        if (*text == static_cast<char>(value))
            last = text;
        if (*text == 0)
            return const_cast<char*>(last);
    }
}

int strcmp(char const* left, char const* right) {
    while (*left != 0 && *left == *right)
        ++left, ++right;
    return static_cast<unsigned char>(*left) - static_cast<unsigned char>(*right);
}
}

#pragma clang unsafe_buffer_usage end
