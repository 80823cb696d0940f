# User programs of the target: every folder with a strate.toml becomes the static position-independent executable
# <build>/strates/<name>, made of the folder's sources, the SDK and lib/. Sources below strates/ and apps/ that belong to no
# strate are shared between all of them.
set(user_output ${CMAKE_BINARY_DIR}/strates)
file(MAKE_DIRECTORY ${user_output})
find_program(ASTRATA_STRIP NAMES llvm-strip-22 llvm-strip REQUIRED)

add_library(astrata_user_options INTERFACE)
target_compile_options(astrata_user_options INTERFACE -fPIE)
target_link_options(astrata_user_options INTERFACE
    -Wl,-pie,--no-dynamic-linker,--hash-style=sysv -Wl,-z,text,-z,separate-code,-z,relro,-z,now)
target_link_libraries(astrata_user_options INTERFACE astrata_target_options)
add_dependencies(astrata_user_options astrata_generated)

add_library(astrata_user_lib STATIC ${astrata_lib_sources} ${freestanding_sources})
target_link_libraries(astrata_user_lib PUBLIC astrata_user_options)

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

file(GLOB_RECURSE shared_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/strates/*.cc ${CMAKE_SOURCE_DIR}/apps/*.cc)
list(FILTER shared_sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
foreach(folder IN LISTS strate_folders)
    list(FILTER shared_sources EXCLUDE REGEX "^${folder}/")
endforeach()
add_library(astrata_user_shared STATIC ${shared_sources} ${CMAKE_SOURCE_DIR}/sdk/own.cc)
target_link_libraries(astrata_user_shared PUBLIC astrata_user_sdk)

# The strate's name is the one in its manifest. Test doubles (test_*.cc, and folders named testing) stay on the host.
add_custom_target(astrata_strates ALL)
foreach(folder IN LISTS strate_folders)
    file(STRINGS ${folder}/strate.toml name_line REGEX "^name *=" LIMIT_COUNT 1)
    string(REGEX REPLACE "^name *= *\"([a-z0-9-]+)\".*" "\\1" name "${name_line}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/strate.toml)
    astrata_sources(sources ${folder})
    list(FILTER sources EXCLUDE REGEX "/testing/|/test_[^/]*\\.cc$")
    set(entry ${CMAKE_BINARY_DIR}/entry/${name}.cc)
    file(CONFIGURE OUTPUT ${entry} CONTENT "#define ASTRATA_STRATE_ENTRY\n#include \"${name}/environment.h\"\n")
    add_executable(strate.${name} ${sources} ${entry})
    target_link_libraries(strate.${name} PRIVATE
        -Wl,--start-group astrata_user_shared astrata_user_sdk astrata_user_lib -Wl,--end-group)
    add_custom_command(OUTPUT ${user_output}/${name}
        COMMAND ${ASTRATA_STRIP} -s -o ${user_output}/${name} $<TARGET_FILE:strate.${name}>
        DEPENDS strate.${name}
        COMMENT "Stripping ${name}")
    add_custom_target(stripped.${name} DEPENDS ${user_output}/${name})
    add_dependencies(astrata_strates stripped.${name})
endforeach()
