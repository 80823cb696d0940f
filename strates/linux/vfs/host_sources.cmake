file(GLOB host_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/strates/linux/vfs/*.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/filesystems/overlay/overlay_*.cc)
list(FILTER host_sources EXCLUDE REGEX "_test\\.cc$")
list(APPEND host_sources
    ${CMAKE_SOURCE_DIR}/strates/linux/file/file.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/file/file_locks.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/file/file_table.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/file/special.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/filesystems/overlay/content_object.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/filesystems/overlay/entry_table.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/filesystems/overlay/lower_names.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/core/credentials.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/core/errno.cc
    ${CMAKE_SOURCE_DIR}/strates/linux/core/io_buffer.cc
    ${CMAKE_SOURCE_DIR}/sdk/testing/host.cc)
