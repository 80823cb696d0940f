# Warnings are errors in our code. Raw buffers and lock discipline are checked by the compiler; the few places that must
# switch a check off do so line by line with a pragma and a reason.
add_library(astrata_warnings INTERFACE)
target_compile_options(astrata_warnings INTERFACE
    -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Wswitch
    $<$<COMPILE_LANGUAGE:CXX>:-Wunsafe-buffer-usage -Wthread-safety -Woverloaded-virtual>
    # Aggregates name the members they set; the others have defaults.
    -Wno-missing-field-initializers -Wno-missing-designated-field-initializers
    # memcpy and its like are checked by review: their sizes come from spans at the same place.
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-unsafe-buffer-usage-in-libc-call>
    # TRY is a GNU statement expression.
    -Wno-gnu-statement-expression)
