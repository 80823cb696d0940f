// The part of C's <string.h> that libc++ and the compiler need. Implemented in ../memory.cc.
#pragma once
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
void* memcpy(void* __restrict to, const void* __restrict from, size_t count);
void* memmove(void* to, const void* from, size_t count);
void* memset(void* to, int value, size_t count);
int memcmp(const void* left, const void* right, size_t count);
size_t strlen(const char* text);
void* memchr(const void* bytes, int value, size_t count);
char* strchr(const char* text, int value);
char* strrchr(const char* text, int value);
char* strpbrk(const char* text, const char* set);
char* strstr(const char* text, const char* part);
int strcmp(const char* left, const char* right);
#ifdef __cplusplus
}
#endif
