# Memory management is the real one, over the machine that its own tests use.
file(GLOB host_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernel/mem/*.cc)
list(FILTER host_sources EXCLUDE REGEX "_(test|fuzz)\\.cc$|/syscalls_[a-z_]*\\.cc$")
list(APPEND host_sources ${CMAKE_SOURCE_DIR}/kernel/mem/fakes_test.cc ${CMAKE_SOURCE_DIR}/kernel/user_copy/user_copy.cc
    ${folder}/fakes_test.cc ${folder}/handle_table.cc ${folder}/object.cc ${folder}/process.cc ${folder}/silo.cc)
include_directories(${CMAKE_SOURCE_DIR}/kernel/arch/host)
# One input is a whole life of several objects: fewer of them, and long ones from the start.
set(fuzz_options -runs=5000 -len_control=0 -max_len=600)
