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
add_custom_target(astrata_generated DEPENDS ${generated_stamp})
