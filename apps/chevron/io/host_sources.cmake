set(host_sources ${CMAKE_CURRENT_LIST_DIR}/pipe.cc ${CMAKE_CURRENT_LIST_DIR}/printer.cc)
