# User programs of the target: every folder with a strate.toml becomes the static position-independent executable
# <build>/strates/<name>, made of the folder's sources, the SDK and lib/.
set(user_output ${CMAKE_BINARY_DIR}/strates)
file(MAKE_DIRECTORY ${user_output})
find_program(ASTRATA_STRIP NAMES llvm-strip-22 llvm-strip REQUIRED)

add_library(astrata_user_options INTERFACE)
target_compile_options(astrata_user_options INTERFACE -fPIE -fdirect-access-external-data)
target_link_options(astrata_user_options INTERFACE
    -Wl,-pie,--no-dynamic-linker,--hash-style=sysv -Wl,-z,text,-z,separate-code,-z,relro,-z,now)
target_link_libraries(astrata_user_options INTERFACE astrata_target_options)
astrata_include_machine(astrata_user_options INTERFACE ${CMAKE_SOURCE_DIR}/sdk)
add_dependencies(astrata_user_options astrata_generated)

astrata_libfdt(astrata_user_libfdt astrata_user_options)
add_library(astrata_user_lib STATIC ${astrata_lib_sources} ${freestanding_sources})
target_link_libraries(astrata_user_lib PUBLIC astrata_user_options astrata_user_libfdt)

# sdk/vdso is linked by itself; sdk/testing is for the host.
astrata_sources(user_sdk_sources ${CMAKE_SOURCE_DIR}/sdk)
list(FILTER user_sdk_sources EXCLUDE REGEX "/sdk/(vdso|testing)/")
add_library(astrata_user_sdk STATIC ${user_sdk_sources})
target_link_libraries(astrata_user_sdk PUBLIC astrata_user_lib)

file(GLOB_RECURSE user_manifests CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/strates/*/strate.toml ${CMAKE_SOURCE_DIR}/apps/*/strate.toml)
set(strate_folders "")
foreach(manifest IN LISTS user_manifests)
    get_filename_component(folder ${manifest} DIRECTORY)
    list(APPEND strate_folders ${folder})
endforeach()

# The folder directly below strates/ or apps/ that `folder` lies in: drivers, fs, linux...
function(top_folder result folder)
    file(RELATIVE_PATH relative ${CMAKE_SOURCE_DIR} ${folder})
    string(REGEX REPLACE "^([^/]+/[^/]+).*" "\\1" top ${relative})
    set(${result} ${top} PARENT_SCOPE)
endfunction()

# What strates of one top folder share: its sources that belong to no strate.
set(top_folders "")
foreach(folder IN LISTS strate_folders)
    top_folder(top ${folder})
    list(APPEND top_folders ${top})
endforeach()
list(REMOVE_DUPLICATES top_folders)
foreach(top IN LISTS top_folders)
    string(REPLACE "/" "." shared_${top} shared.${top})
    file(GLOB_RECURSE shared_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${top}/*.cc)
    list(FILTER shared_sources EXCLUDE REGEX "_(test|fuzz)\\.cc$|/testing/|/test_[^/]*\\.cc$")
    foreach(folder IN LISTS strate_folders)
        list(FILTER shared_sources EXCLUDE REGEX "^${folder}/")
    endforeach()
    astrata_keep_machine(shared_sources)
    if(shared_sources)
        add_library(${shared_${top}} STATIC ${shared_sources})
        target_link_libraries(${shared_${top}} PUBLIC astrata_user_sdk)
    else()
        set(shared_${top} "")
    endif()
endforeach()

# The vDSO of Linux programs: a shared object of its own, whose file is among the personality's constants.
set(program_vdso ${CMAKE_SOURCE_DIR}/strates/linux/program_vdso)
set(program_vdso_image ${CMAKE_BINARY_DIR}/vdso/program_vdso.so)
astrata_sources(program_vdso_sources ${program_vdso})
add_library(program_vdso_objects OBJECT ${program_vdso_sources})
add_dependencies(program_vdso_objects astrata_generated)
astrata_include_machine(program_vdso_objects PRIVATE ${program_vdso})
target_compile_options(program_vdso_objects PRIVATE -fPIC ${machine_vdso_flags} -fomit-frame-pointer)
target_link_libraries(program_vdso_objects PRIVATE astrata_target_options)
add_dependencies(program_vdso_objects astrata_generated)
add_custom_command(OUTPUT ${program_vdso_image}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/vdso
    COMMAND ld.lld-22 -shared -Bsymbolic --hash-style=sysv --build-id=none -soname linux-vdso.so.1 -z noexecstack -z max-page-size=4096
            --strip-all -T ${program_vdso}/vdso.ld --version-script ${program_vdso}/arch/${ASTRATA_TARGET}/names.map -o ${program_vdso_image} $<TARGET_OBJECTS:program_vdso_objects>
    DEPENDS program_vdso_objects $<TARGET_OBJECTS:program_vdso_objects> ${program_vdso}/vdso.ld
            ${program_vdso}/arch/${ASTRATA_TARGET}/names.map
    COMMAND_EXPAND_LISTS COMMENT "Linking program_vdso")
set_source_files_properties(${CMAKE_SOURCE_DIR}/strates/linux/exec/program_vdso_image.S PROPERTIES
    OBJECT_DEPENDS "${program_vdso_image}" COMPILE_OPTIONS "-Wa,-I${CMAKE_BINARY_DIR}/vdso")

# The strate's name is the one in its manifest. Test doubles (test_*.cc, and folders named testing) stay on the host.
add_custom_target(astrata_strates ALL)
foreach(folder IN LISTS strate_folders)
    file(STRINGS ${folder}/strate.toml name_line REGEX "^name *=" LIMIT_COUNT 1)
    string(REGEX REPLACE "^name *= *\"([a-z0-9-]+)\".*" "\\1" name "${name_line}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/strate.toml)
    top_folder(top ${folder})
    astrata_sources(sources ${folder})
    list(FILTER sources EXCLUDE REGEX "/testing/|/program_vdso/|/test_[^/]*\\.cc$")
    set(entry ${CMAKE_BINARY_DIR}/entry/${name}.cc)
    file(CONFIGURE OUTPUT ${entry} CONTENT "#define ASTRATA_STRATE_ENTRY\n#include \"${name}/environment.h\"\n")
    add_executable(strate.${name} ${sources} ${entry})
    astrata_include_machine(strate.${name} PRIVATE ${folder})
    if(name STREQUAL "linux")
        astrata_optimise_whole(strate.${name})
    endif()
    target_link_libraries(strate.${name} PRIVATE
        -Wl,--start-group ${shared_${top}} astrata_user_sdk astrata_user_lib astrata_user_libfdt -Wl,--end-group)
    add_custom_command(OUTPUT ${user_output}/${name}
        COMMAND ${ASTRATA_STRIP} -s -o ${user_output}/${name} $<TARGET_FILE:strate.${name}>
        DEPENDS strate.${name}
        COMMENT "Stripping ${name}")
    add_custom_target(stripped.${name} DEPENDS ${user_output}/${name})
    add_dependencies(astrata_strates stripped.${name})
endforeach()
