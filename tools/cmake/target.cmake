# Target build: Bedrock, the vDSO, strates and apps, all freestanding, from the one clang.
set(libcxx_headers /usr/lib/llvm-22/include/c++/v1)
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-resource-dir OUTPUT_VARIABLE clang_resources
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

add_library(astrata_target_options INTERFACE)
target_include_directories(astrata_target_options INTERFACE ${CMAKE_SOURCE_DIR} ${ASTRATA_GENERATED})
target_compile_options(astrata_target_options INTERFACE
    --target=${machine_triple} -O2 -g1 -fno-omit-frame-pointer -momit-leaf-frame-pointer -ffreestanding -fbuiltin -ffunction-sections -fdata-sections
    ${machine_stack_flags} -fno-asynchronous-unwind-tables -fno-unwind-tables ${machine_flags}
    # Nothing uses a thread pointer: in hosted code it is the kernel's. The canary is a plain variable of each program, which its first instructions set (sdk/start, kernel/arch/*/boot).
    -fstack-protector-strong -mstack-protector-guard=global
    # Zeroing and copying are our own routines; the compiler may not turn them into calls to themselves (see memory.cc).
    "$<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti;-fno-threadsafe-statics;-nostdinc;-nostdinc++;${machine_cxx_flags}>"
    "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-isystem ${CMAKE_SOURCE_DIR}/lib/freestanding/config -isystem ${libcxx_headers}>"
    "$<$<COMPILE_LANGUAGE:C,CXX>:SHELL:-isystem ${CMAKE_SOURCE_DIR}/lib/freestanding/libc -isystem ${clang_resources}/include>"
    "$<$<COMPILE_LANGUAGE:C>:-nostdinc;-std=gnu23;${machine_cxx_flags}>")
target_link_options(astrata_target_options INTERFACE
    --target=${machine_link_triple} -fuse-ld=lld -nostdlib -static -Wl,--gc-sections,-z,noexecstack,-z,max-page-size=4096
    -Wl,--no-undefined,--build-id=none)
target_link_libraries(astrata_target_options INTERFACE astrata_warnings)
astrata_include_machine(astrata_target_options INTERFACE ${CMAKE_SOURCE_DIR}/lib)

astrata_sources(freestanding_sources ${CMAKE_SOURCE_DIR}/lib/freestanding)
# These define what the compiler would otherwise turn their own loops into calls of, wherever it sees them.
set_source_files_properties(${freestanding_sources} PROPERTIES COMPILE_OPTIONS "-fno-builtin;-fno-lto;${machine_memory_flags}")

# For Bedrock and strates on the path of every call: functions are inlined across files (ThinLTO). A system call becomes 10 to 15 % shorter
# by it, and linking takes some seconds.
function(astrata_optimise_whole program)
    target_compile_options(${program} PRIVATE -flto=thin)
    target_link_options(${program} PRIVATE -flto=thin -Wl,--thinlto-cache-dir=${CMAKE_BINARY_DIR}/thinlto)
endfunction()

include(target_kernel)
include(target_user)
