set(host_sources ${CMAKE_SOURCE_DIR}/strates/linux/core/errno.cc)
