set(host_sources ${CMAKE_CURRENT_LIST_DIR}/word_at_cursor.cc)
