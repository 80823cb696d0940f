# Libraries of others, built from the sources that tools/astrata/library_sources.py fetches and checks.
execute_process(COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${CMAKE_SOURCE_DIR}/tools ${Python3_EXECUTABLE} -m astrata.library_sources libfdt
    OUTPUT_VARIABLE libfdt_folder OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

# libfdt reads devicetrees: the library `name`, with the given options. lib/devicetree is what the rest of the tree sees of it.
function(astrata_libfdt name options)
    add_library(${name} STATIC ${libfdt_folder}/fdt.c ${libfdt_folder}/fdt_ro.c ${libfdt_folder}/fdt_addresses.c
        ${libfdt_folder}/fdt_check.c)
    target_compile_options(${name} PRIVATE -w -Wno-error ${ARGN})
    target_include_directories(${name} SYSTEM PUBLIC ${libfdt_folder})
    target_link_libraries(${name} PRIVATE ${options})
endfunction()
