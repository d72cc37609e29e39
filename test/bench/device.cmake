# The bars of a GPU (test/bench/gpu): a program that needs nothing but a driver, so that it can be carried to a machine that has one.
set(DEVICE_SPECS ${CMAKE_CURRENT_BINARY_DIR}/device/specs)
set(DEVICE_ARCHIVES)
foreach(spec
    lang/std/rules/adamw
    lang/std/rules/lion
    lang/std/rules/sgd
    test/bench/specs/cross_entropy
    test/bench/specs/perceptron
    test/bench/specs/products
    test/bench/specs/products_bf16)
  get_filename_component(name ${spec} NAME)
  add_custom_command(
    OUTPUT ${DEVICE_SPECS}/${name}.a ${DEVICE_SPECS}/${name}.h
    COMMAND gradus build ${PROJECT_SOURCE_DIR}/${spec}.grad -o ${DEVICE_SPECS} --target=x86-64-v3,nvptx:sm_80,sm_90
    DEPENDS gradus ${PROJECT_SOURCE_DIR}/${spec}.grad
    VERBATIM)
  list(APPEND DEVICE_ARCHIVES ${DEVICE_SPECS}/${name}.a)
endforeach()
add_custom_target(bench-device-specs DEPENDS ${DEVICE_ARCHIVES})
add_executable(bench-gpu EXCLUDE_FROM_ALL
  device/Arrays.cpp
  device/Gpu.cpp
  device/gpu.cpp
)
add_dependencies(bench-gpu bench-device-specs)
target_include_directories(bench-gpu PRIVATE ${DEVICE_SPECS})
target_link_options(bench-gpu PRIVATE -static-libstdc++ -static-libgcc)
target_link_libraries(bench-gpu PRIVATE ${DEVICE_ARCHIVES} Gradus::cuda Gradus::runtime m)
set_target_properties(bench-gpu PROPERTIES
  OUTPUT_NAME gpu
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/device)

# All of it against the driver that keeps a record: what is launched, and that the script reads what the program writes.
add_test(NAME bench-gpu-build COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target bench-gpu fake_cublas fake_cuda)
set_tests_properties(bench-gpu-build PROPERTIES FIXTURES_SETUP bench-gpu)
add_test(NAME bench-gpu-smoke
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/gpu --smoke ${CMAKE_BINARY_DIR}/test/runtime/cuda/fake/libcuda.so.1 ${CMAKE_CURRENT_BINARY_DIR}/device
  WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
set_tests_properties(bench-gpu-smoke PROPERTIES FIXTURES_REQUIRED bench-gpu)
