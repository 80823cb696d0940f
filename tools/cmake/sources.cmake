# Source files are found by where they lie, so that adding one needs no build file:
#   *_test.cc  a GoogleTest unit test, host only         *_fuzz.cc  a libFuzzer target, host only
#   everything else in lib/ builds for host and target alike.

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
    set(${result} ${found} PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE astrata_lib_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/lib/*.cc)
list(FILTER astrata_lib_sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
list(FILTER astrata_lib_sources EXCLUDE REGEX "/lib/freestanding/")
