// libc++ only asks that these names exist; freestanding code has no streams.
#pragma once
#define EOF (-1)
typedef struct FILE FILE;
extern FILE* stdout;
#ifdef __cplusplus
extern "C" int remove(const char* path);
#endif
