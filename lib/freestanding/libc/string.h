// The part of C's <string.h> that libc++ and the compiler need. Implemented in ../memory.cc.
#pragma once
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
void* memcpy(void* __restrict to, void const* __restrict from, size_t count);
void* memmove(void* to, void const* from, size_t count);
void* memset(void* to, int value, size_t count);
int memcmp(void const* left, void const* right, size_t count);
size_t strlen(char const* text);
size_t strnlen(char const* text, size_t limit);
void* memchr(void const* bytes, int value, size_t count);
char* strchr(char const* text, int value);
char* strrchr(char const* text, int value);
char* strpbrk(char const* text, char const* set);
char* strstr(char const* text, char const* part);
int strcmp(char const* left, char const* right);
#ifdef __cplusplus
}
#endif
