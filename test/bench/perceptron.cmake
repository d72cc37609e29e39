# A train step and products of matrices, for the machine at hand, as what a BLAS does: test/bench/perceptron, timed by hand too.
set(PERCEPTRON_SPECS ${CMAKE_CURRENT_BINARY_DIR}/native)
set(PERCEPTRON_ARCHIVES)
foreach(spec perceptron products)
  add_custom_command(
    OUTPUT ${PERCEPTRON_SPECS}/${spec}.a ${PERCEPTRON_SPECS}/${spec}.h
    COMMAND gradus build ${CMAKE_CURRENT_SOURCE_DIR}/specs/${spec}.grad -o ${PERCEPTRON_SPECS} --target=native
    DEPENDS gradus ${CMAKE_CURRENT_SOURCE_DIR}/specs/${spec}.grad
    VERBATIM)
  list(APPEND PERCEPTRON_ARCHIVES ${PERCEPTRON_SPECS}/${spec}.a)
endforeach()

add_executable(bench-perceptron EXCLUDE_FROM_ALL
  perceptron.cpp
  perceptron_loops.c)
add_custom_target(bench-perceptron-specs DEPENDS ${PERCEPTRON_ARCHIVES})
add_dependencies(bench-perceptron bench-perceptron-specs)
set_source_files_properties(perceptron_loops.c PROPERTIES COMPILE_OPTIONS "-O3;-march=native;-mprefer-vector-width=512;-fno-math-errno")
target_compile_options(bench-perceptron PRIVATE -fopenmp)
target_include_directories(bench-perceptron PRIVATE ${PERCEPTRON_SPECS})
target_include_directories(bench-perceptron SYSTEM PRIVATE ${LLVM_LIBRARY_DIRS}/clang/${LLVM_VERSION_MAJOR}/include)
target_link_libraries(bench-perceptron PRIVATE ${PERCEPTRON_ARCHIVES} Gradus::openmp Gradus::runtime ${CMAKE_DL_LIBS} m)
set_target_properties(bench-perceptron PROPERTIES OUTPUT_NAME perceptron)

add_test(NAME bench-perceptron-build COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target bench-perceptron)
set_tests_properties(bench-perceptron-build PROPERTIES FIXTURES_SETUP bench-perceptron)
add_test(NAME bench-perceptron-smoke COMMAND bench-perceptron --smoke)
set_tests_properties(bench-perceptron-smoke PROPERTIES FIXTURES_REQUIRED bench-perceptron)
