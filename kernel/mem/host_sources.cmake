file(GLOB host_sources CONFIGURE_DEPENDS ${folder}/*.cc)
list(FILTER host_sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
list(FILTER host_sources EXCLUDE REGEX "/syscalls_[a-z_]*\\.cc$")
list(APPEND host_sources ${folder}/fakes_test.cc ${CMAKE_SOURCE_DIR}/kernel/object/object.cc ${CMAKE_SOURCE_DIR}/kernel/user_copy/user_copy.cc)
include_directories(${CMAKE_SOURCE_DIR}/kernel/arch/host)
# One input is a whole life of several objects: fewer of them, and long ones from the start.
set(fuzz_options -runs=1000 -len_control=0 -max_len=600)
