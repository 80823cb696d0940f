# Runs the interface compiler over abi/ and every strate.toml. Its output lands in <build>/generated and is included as
# "abi/...h" and "<strate name>/environment.h".
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
set(ASTRATA_GENERATED ${CMAKE_BINARY_DIR}/generated)
file(GLOB_RECURSE abi_inputs CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/abi/*.abi ${CMAKE_SOURCE_DIR}/abi/compiler/*.py
    ${CMAKE_SOURCE_DIR}/strates/*/strate.toml ${CMAKE_SOURCE_DIR}/apps/*/strate.toml)
set(generated_stamp ${ASTRATA_GENERATED}/stamp)
add_custom_command(OUTPUT ${generated_stamp}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/abi/compiler/main.py
            --source ${CMAKE_SOURCE_DIR} --output ${ASTRATA_GENERATED}
    COMMAND ${CMAKE_COMMAND} -E touch ${generated_stamp}
    DEPENDS ${abi_inputs}
    COMMENT "Generating from abi/")
# The Linux personality's table of system calls, included as "linux_calls/...". Host tests have x86_64's.
set(linux_machine ${ASTRATA_TARGET})
if(linux_machine STREQUAL "host")
    set(linux_machine x86_64)
endif()
set(linux_calls ${CMAKE_SOURCE_DIR}/strates/linux/linux.calls)
set(linux_generator ${CMAKE_SOURCE_DIR}/strates/linux/generate.py)
set(linux_stamp ${ASTRATA_GENERATED}/linux_calls/stamp)
add_custom_command(OUTPUT ${linux_stamp}
    COMMAND ${Python3_EXECUTABLE} ${linux_generator} --source ${linux_calls} --machine ${linux_machine} --output ${ASTRATA_GENERATED}/linux_calls
    COMMAND ${CMAKE_COMMAND} -E touch ${linux_stamp}
    DEPENDS ${linux_calls} ${linux_generator}
    COMMENT "Generating the table of Linux system calls")

add_custom_target(astrata_generated DEPENDS ${generated_stamp} ${linux_stamp})
