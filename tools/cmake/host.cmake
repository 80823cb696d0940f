# Host build: every lib/ (and privilege-free kernel, sdk and strate) source with its unit tests and fuzzers, under
# AddressSanitizer and UndefinedBehaviorSanitizer, against the host's own libc++.
enable_testing()

add_library(astrata_host_options INTERFACE)
target_include_directories(astrata_host_options INTERFACE ${CMAKE_SOURCE_DIR} ${ASTRATA_GENERATED})
target_compile_options(astrata_host_options INTERFACE
    -stdlib=libc++ -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
    -fsanitize=fuzzer-no-link   # coverage that fuzzers steer by; tests ignore it
    -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_EXTENSIVE -DASTRATA_HOST=1
    -Ulinux -Uunix)   # GNU C++ on Linux defines these words as macros; here `linux` is a namespace
# Linked statically: libc++-22-dev brings the archive, while the shared library on Debian 12 is an older version.
target_link_options(astrata_host_options INTERFACE -stdlib=libc++ -static-libstdc++ -fsanitize=address,undefined -fuse-ld=lld)
target_link_libraries(astrata_host_options INTERFACE astrata_warnings)
add_dependencies(astrata_host_options astrata_generated)

astrata_include_machine(astrata_host_options INTERFACE ${CMAKE_SOURCE_DIR}/lib)
astrata_include_machine(astrata_host_options INTERFACE ${CMAKE_SOURCE_DIR}/sdk)
add_library(astrata_host_libfdt_options INTERFACE)
target_compile_options(astrata_host_libfdt_options INTERFACE -O1 -g -fsanitize=address)
astrata_libfdt(astrata_libfdt astrata_host_libfdt_options)
# Tests write trees of their own.
target_sources(astrata_libfdt PRIVATE ${libfdt_folder}/fdt_sw.c ${libfdt_folder}/fdt_rw.c ${libfdt_folder}/fdt_wip.c)

add_library(astrata_lib STATIC ${astrata_lib_sources})
target_link_libraries(astrata_lib PUBLIC astrata_host_options astrata_libfdt)

# The parts of the SDK that need no kernel, over a vDSO table in which tests put their own functions.
file(GLOB_RECURSE astrata_sdk_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sdk/*.cc)
list(FILTER astrata_sdk_sources EXCLUDE REGEX "_(test|fuzz)\\.cc$|/sdk/(start|vdso)/")
astrata_keep_machine(astrata_sdk_sources)
add_library(astrata_sdk STATIC ${astrata_sdk_sources})
target_link_libraries(astrata_sdk PUBLIC astrata_lib)

# GoogleTest from Debian's source package, compiled here against libc++ with the same sanitizers.
add_library(astrata_gtest STATIC
    /usr/src/googletest/googletest/src/gtest-all.cc /usr/src/googletest/googletest/src/gtest_main.cc)
target_include_directories(astrata_gtest SYSTEM PUBLIC /usr/src/googletest/googletest/include)
target_include_directories(astrata_gtest PRIVATE /usr/src/googletest/googletest)
target_compile_options(astrata_gtest PUBLIC -stdlib=libc++ -O1 -g -fsanitize=address,undefined PRIVATE -w)

# One test program for each folder that has tests. Sources outside lib/ that a test needs are named by the folder's
# host_sources.cmake, which sets `host_sources`.
file(GLOB_RECURSE astrata_tests CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/lib/*_test.cc ${CMAKE_SOURCE_DIR}/kernel/*_test.cc ${CMAKE_SOURCE_DIR}/sdk/*_test.cc
    ${CMAKE_SOURCE_DIR}/strates/*_test.cc ${CMAKE_SOURCE_DIR}/apps/*_test.cc)
set(test_folders "")
foreach(test IN LISTS astrata_tests)
    get_filename_component(folder ${test} DIRECTORY)
    list(APPEND test_folders ${folder})
endforeach()
list(REMOVE_DUPLICATES test_folders)
foreach(folder IN LISTS test_folders)
    set(tests ${astrata_tests})
    list(FILTER tests INCLUDE REGEX "^${folder}/[^/]*$")
    set(host_sources "")
    include(${folder}/host_sources.cmake OPTIONAL)
    file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR} ${folder})
    string(REPLACE "/" "." name ${name})
    add_executable(test.${name} ${tests} ${host_sources})
    target_link_libraries(test.${name} astrata_sdk astrata_lib astrata_gtest)
    add_test(NAME ${name} COMMAND test.${name})
endforeach()

# Fuzzers: `foo_fuzz.cc` defines LLVMFuzzerTestOneInput; a corpus may lie in `foo_fuzz_corpus/` beside it. The suite runs
# each for a bounded number of inputs; a folder's host_sources.cmake may set `fuzz_options`, which come last and so win.
set(ASTRATA_FUZZ_RUNS 20000 CACHE STRING "inputs that the suite feeds each fuzzer")
file(GLOB_RECURSE astrata_fuzzers CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/lib/*_fuzz.cc ${CMAKE_SOURCE_DIR}/kernel/*_fuzz.cc ${CMAKE_SOURCE_DIR}/sdk/*_fuzz.cc
    ${CMAKE_SOURCE_DIR}/strates/*_fuzz.cc ${CMAKE_SOURCE_DIR}/apps/*_fuzz.cc)
foreach(fuzzer IN LISTS astrata_fuzzers)
    get_filename_component(folder ${fuzzer} DIRECTORY)
    get_filename_component(stem ${fuzzer} NAME_WE)
    file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR} ${folder})
    string(REPLACE "/" "." name ${name})
    set(host_sources "")
    set(fuzz_options "")
    include(${folder}/host_sources.cmake OPTIONAL)
    add_executable(fuzz.${name}.${stem} ${fuzzer} ${host_sources})
    target_compile_options(fuzz.${name}.${stem} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz.${name}.${stem} PRIVATE -fsanitize=fuzzer)
    # The fuzzer's own library, as Debian ships it, is built against libstdc++.
    target_link_libraries(fuzz.${name}.${stem} astrata_sdk astrata_lib -l:libstdc++.so.6)
    set(corpus "")
    if(IS_DIRECTORY ${folder}/${stem}_corpus)
        set(corpus ${folder}/${stem}_corpus)
    endif()
    set(found ${CMAKE_BINARY_DIR}/corpus/${name}.${stem})
    file(MAKE_DIRECTORY ${found})
    add_test(NAME fuzz.${name}.${stem}
        COMMAND fuzz.${name}.${stem} -runs=${ASTRATA_FUZZ_RUNS} -max_total_time=20 -seed=1 -print_final_stats=1 ${fuzz_options} ${found} ${corpus})
endforeach()

# The interface compiler's own tests, and that what it generates is what was reviewed.
add_test(NAME abi.compiler COMMAND ${Python3_EXECUTABLE} -m unittest discover -s ${CMAKE_SOURCE_DIR}/abi/compiler -p "*_test.py")
add_test(NAME abi.golden COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/abi/compiler/main.py --source ${CMAKE_SOURCE_DIR} --check)
