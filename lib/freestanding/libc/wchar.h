// Types that libc++'s <cwchar> names.
#pragma once
typedef struct {
    int state;
} mbstate_t;
typedef unsigned int wint_t;
