# Memory management is the real one, over the machine that its own tests use.
file(GLOB host_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernel/mem/*.cc)
list(FILTER host_sources EXCLUDE REGEX "_test\\.cc$|/syscalls_[a-z_]*\\.cc$")
list(APPEND host_sources ${CMAKE_SOURCE_DIR}/kernel/mem/fakes_test.cc ${CMAKE_SOURCE_DIR}/kernel/user_copy/user_copy.cc
    ${folder}/handle_table.cc ${folder}/object.cc ${folder}/process.cc ${folder}/silo.cc)
include_directories(${CMAKE_SOURCE_DIR}/kernel/arch/host)
