# Source files are found by where they lie, so that adding one needs no build file:
#   *_test.cc  a GoogleTest unit test, host only         *_fuzz.cc  a libFuzzer target, host only
#   arch/<machine>/  for that machine only; for the host, arch/host/ where there is one, else arch/x86_64/
#   everything else in lib/ builds for host and target alike.

# Removes from the list `files` what lies in arch/ folders of other machines.
function(astrata_keep_machine files)
    set(kept "")
    foreach(file IN LISTS ${files})
        if(file MATCHES "^(.*/arch/)([a-z0-9_]+)/")
            astrata_machine_folder(folder ${CMAKE_MATCH_1})
            if(NOT folder STREQUAL "${CMAKE_MATCH_1}${CMAKE_MATCH_2}")
                continue()
            endif()
        endif()
        list(APPEND kept ${file})
    endforeach()
    set(${files} "${kept}" PARENT_SCOPE)
endfunction()

# The folder below `arch` (which ends in a slash) that is compiled; empty if there is none.
function(astrata_machine_folder result arch)
    set(${result} "" PARENT_SCOPE)
    foreach(machine IN LISTS machines)
        if(IS_DIRECTORY ${arch}${machine})
            set(${result} ${arch}${machine} PARENT_SCOPE)
            return()
        endif()
    endforeach()
endfunction()

# Lets `target` include the machine's headers of `directory`, which lie in a folder below arch/<machine>/.
function(astrata_include_machine target scope directory)
    astrata_machine_folder(folder ${directory}/arch/)
    if(folder)
        target_include_directories(${target} ${scope} ${folder})
    endif()
endfunction()

# All .cc and .S files below `directory`, without tests and fuzzers and without folders that hold a strate.toml of their own.
function(astrata_sources result directory)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${directory}/*.cc ${directory}/*.S)
    file(GLOB_RECURSE manifests CONFIGURE_DEPENDS ${directory}/*/strate.toml)
    list(FILTER found EXCLUDE REGEX "_(test|fuzz)\\.cc$")
    foreach(manifest IN LISTS manifests)
        get_filename_component(nested ${manifest} DIRECTORY)
        if(NOT nested STREQUAL directory)
            list(FILTER found EXCLUDE REGEX "^${nested}/")
        endif()
    endforeach()
    astrata_keep_machine(found)
    set(${result} ${found} PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE astrata_lib_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/lib/*.cc)
list(FILTER astrata_lib_sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
list(FILTER astrata_lib_sources EXCLUDE REGEX "/lib/freestanding/")
astrata_keep_machine(astrata_lib_sources)
