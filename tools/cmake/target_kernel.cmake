# Bedrock: an ELF file, and for machines whose loaders take no such file, a flat image of it.
astrata_sources(kernel_sources ${CMAKE_SOURCE_DIR}/kernel)

# The vDSO: a shared object of its own, whose file is a part of the kernel image. There are two, the same but for how they enter the kernel:
# by the processor's instruction, or by a call, for processes that are hosted in the kernel.
set(vdso_images)
# Ninja learns only after a run that what it includes was generated anew.
set_source_files_properties(${CMAKE_SOURCE_DIR}/sdk/vdso/vdso.cc PROPERTIES OBJECT_DEPENDS ${generated_stamp})
function(astrata_vdso name)
    astrata_sources(vdso_sources ${CMAKE_SOURCE_DIR}/sdk/vdso)
    add_library(${name}_objects OBJECT ${vdso_sources})
    astrata_include_machine(${name}_objects PRIVATE ${CMAKE_SOURCE_DIR}/sdk/vdso)
    target_compile_options(${name}_objects PRIVATE -fPIC ${machine_vdso_flags} -fomit-frame-pointer -fno-stack-protector ${ARGN})
    target_link_libraries(${name}_objects PRIVATE astrata_target_options)
    add_dependencies(${name}_objects astrata_generated)
    set(image ${CMAKE_BINARY_DIR}/vdso/${name}.so)
    add_custom_command(OUTPUT ${image}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/vdso
        COMMAND ld.lld-22 -shared -Bsymbolic --hash-style=sysv --build-id=none -soname astrata-vdso.so -z noexecstack -z max-page-size=4096
                --strip-all -T ${CMAKE_SOURCE_DIR}/sdk/vdso/vdso.ld -o ${image} $<TARGET_OBJECTS:${name}_objects>
        DEPENDS ${name}_objects $<TARGET_OBJECTS:${name}_objects> ${CMAKE_SOURCE_DIR}/sdk/vdso/vdso.ld
        COMMAND_EXPAND_LISTS COMMENT "Linking ${name}")
    set(vdso_images ${vdso_images} ${image} PARENT_SCOPE)
endfunction()
astrata_vdso(vdso)
astrata_vdso(hosted_vdso -DASTRATA_HOSTED_IN_KERNEL)
set_source_files_properties(${CMAKE_SOURCE_DIR}/kernel/boot/vdso_image.S PROPERTIES
    OBJECT_DEPENDS "${vdso_images}" COMPILE_OPTIONS "-Wa,-I${CMAKE_BINARY_DIR}/vdso")

# Too short for a frame pointer.
set_source_files_properties(${CMAKE_SOURCE_DIR}/kernel/ipc/fast_path.cc PROPERTIES COMPILE_OPTIONS "-fomit-frame-pointer;${machine_short_path_flags};-fno-lto")

astrata_libfdt(bedrock_libfdt astrata_target_options -fno-pic ${machine_kernel_flags})
add_executable(bedrock ${kernel_sources} ${astrata_lib_sources} ${freestanding_sources})
set_target_properties(bedrock PROPERTIES OUTPUT_NAME bedrock.elf RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/kernel)
astrata_include_machine(bedrock PRIVATE ${CMAKE_SOURCE_DIR}/kernel)
target_compile_options(bedrock PRIVATE ${machine_kernel_flags} -fno-pic "$<$<COMPILE_LANGUAGE:CXX>:${machine_kernel_cxx_flags}>")
# docs/security.md says what this does.
option(ASTRATA_CHECK_CALLS "check the type of each function that Bedrock calls through a pointer" ON)
if(ASTRATA_CHECK_CALLS)
    target_compile_options(bedrock PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=kcfi>)
endif()
# linker.ld includes the machine's image.ld.
target_link_options(bedrock PRIVATE -Wl,--no-pie,--emit-relocs -Wl,-T,${CMAKE_SOURCE_DIR}/kernel/linker.ld
    -L${CMAKE_SOURCE_DIR}/kernel/arch/${ASTRATA_TARGET})
astrata_optimise_whole(bedrock)
option(ASTRATA_CHECK_LOCKS "check the order of spin locks at every acquisition" OFF)
if(ASTRATA_CHECK_LOCKS)
    target_compile_definitions(bedrock PRIVATE ASTRATA_CHECK_LOCKS)
endif()
target_link_libraries(bedrock PRIVATE astrata_target_options bedrock_libfdt)
set_target_properties(bedrock PROPERTIES LINK_DEPENDS
    "${CMAKE_SOURCE_DIR}/kernel/linker.ld;${CMAKE_SOURCE_DIR}/kernel/arch/${ASTRATA_TARGET}/image.ld;${CMAKE_SOURCE_DIR}/tools/astrata/kernel_relocations.py")
find_program(ASTRATA_OBJCOPY NAMES llvm-objcopy-22 llvm-objcopy REQUIRED)
# GRUB does not load a file that still has the linker's own relocations.
add_custom_command(TARGET bedrock POST_BUILD
    COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/astrata/kernel_relocations.py $<TARGET_FILE:bedrock>
    COMMAND ${ASTRATA_OBJCOPY} --wildcard "--remove-section=.rela.*" $<TARGET_FILE:bedrock> VERBATIM)
# The image's header says how much memory follows it that the file does not hold.
if(machine_boots_flat_image)
    add_custom_command(TARGET bedrock POST_BUILD
        COMMAND ${ASTRATA_OBJCOPY} -O binary $<TARGET_FILE:bedrock> $<TARGET_FILE_DIR:bedrock>/bedrock.image VERBATIM)
endif()
add_dependencies(bedrock astrata_generated)
