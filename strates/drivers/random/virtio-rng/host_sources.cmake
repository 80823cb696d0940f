set(host_sources ${CMAKE_CURRENT_LIST_DIR}/source.cc)
