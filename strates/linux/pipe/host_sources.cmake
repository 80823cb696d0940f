include(${CMAKE_SOURCE_DIR}/strates/linux/vfs/host_sources.cmake)
list(APPEND host_sources ${CMAKE_SOURCE_DIR}/strates/linux/pipe/pipe.cc)
