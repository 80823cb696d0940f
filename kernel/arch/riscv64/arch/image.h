// Where the linker put the parts of the kernel image (kernel/linker.ld).
#pragma once

#include "kernel/mem/image_sections.h"

extern "C" {
extern char const __text_start[];
extern char const __text_end[];
extern char const __rodata_start[];
extern char const __rodata_end[];
extern char const __data_start[];
extern char const __bss_end[];
}

namespace astrata::kernel::arch {

inline ImageSections image_sections() {
    auto const at = [](char const* symbol) { return VirtAddr{reinterpret_cast<std::uint64_t>(symbol)}; };
    return {.text_start = at(__text_start),
            .text_end = at(__text_end),
            .rodata_start = at(__rodata_start),
            .rodata_end = at(__rodata_end),
            .data_start = at(__data_start),
            .data_end = at(__bss_end)};
}

}  // namespace astrata::kernel::arch
