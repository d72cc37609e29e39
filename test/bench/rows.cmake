# Row nests: the same for losses of rows.
set(ROW_ARCHIVES)
foreach(spec lang/std/losses/logistic test/bench/specs/cross_entropy test/bench/specs/curve)
  get_filename_component(name ${spec} NAME)
  add_custom_command(
    OUTPUT ${SPECS}/${name}.a ${SPECS}/${name}.h
    COMMAND gradus build ${PROJECT_SOURCE_DIR}/${spec}.grad -o ${SPECS} --target=${GRADUS_BENCH_TARGET}
    DEPENDS gradus ${PROJECT_SOURCE_DIR}/${spec}.grad
    VERBATIM)
  list(APPEND ROW_ARCHIVES ${SPECS}/${name}.a)
endforeach()
# The gradient of the logits over the logits, beside the one with an output of its own.
add_custom_command(
  OUTPUT ${SPECS}/in_place/cross_entropy.a ${SPECS}/in_place/cross_entropy.h
  COMMAND gradus build ${CMAKE_CURRENT_SOURCE_DIR}/specs/cross_entropy.grad -o ${SPECS}/in_place --target=${GRADUS_BENCH_TARGET} --prefix=in_place_ --in-place=z
  DEPENDS gradus ${CMAKE_CURRENT_SOURCE_DIR}/specs/cross_entropy.grad
  VERBATIM)
list(APPEND ROW_ARCHIVES ${SPECS}/in_place/cross_entropy.a)
add_custom_target(bench-row-specs DEPENDS ${ROW_ARCHIVES})
add_executable(bench-rows EXCLUDE_FROM_ALL
  row_loops.c
  rows.cpp)
add_dependencies(bench-rows bench-row-specs)
set_source_files_properties(row_loops.c PROPERTIES COMPILE_OPTIONS "-O3;-march=${GRADUS_BENCH_TARGET};-mprefer-vector-width=512;-fno-honor-nans;-fno-math-errno;-ffp-contract=off")
target_compile_options(bench-rows PRIVATE -fopenmp)
target_include_directories(bench-rows PRIVATE ${SPECS})
target_include_directories(bench-rows SYSTEM PRIVATE ${LLVM_LIBRARY_DIRS}/clang/${LLVM_VERSION_MAJOR}/include)
target_link_libraries(bench-rows PRIVATE ${ROW_ARCHIVES} Gradus::openmp Gradus::runtime ${CMAKE_DL_LIBS} m)
set_target_properties(bench-rows PROPERTIES OUTPUT_NAME rows)

add_test(NAME bench-rows-build COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target bench-rows)
set_tests_properties(bench-rows-build PROPERTIES FIXTURES_SETUP bench-rows)
add_test(NAME bench-rows-smoke COMMAND bench-rows --smoke)
set_tests_properties(bench-rows-smoke PROPERTIES FIXTURES_REQUIRED bench-rows)
