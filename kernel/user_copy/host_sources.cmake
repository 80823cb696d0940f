set(host_sources ${CMAKE_SOURCE_DIR}/kernel/user_copy/user_copy.cc)
include_directories(${CMAKE_SOURCE_DIR}/kernel/arch/host)
