set(host_sources ${CMAKE_CURRENT_LIST_DIR}/path.cc ${CMAKE_CURRENT_LIST_DIR}/name_space.cc)
