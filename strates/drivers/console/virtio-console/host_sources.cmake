set(host_sources ${CMAKE_CURRENT_LIST_DIR}/console.cc ${CMAKE_CURRENT_LIST_DIR}/port.cc)
