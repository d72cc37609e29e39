# The headers that every file of the compiler and its tests reads take more than half of the time of compiling it. They are compiled once,
# with the dialect, and once more with the flags of the tests.
set(GRADUS_COMMON_HEADERS
  <functional>
  <map>
  <optional>
  <set>
  <string>
  <vector>
  <llvm/ADT/StringExtras.h>
  <llvm/ADT/TypeSwitch.h>
  <mlir/IR/Builders.h>
  <mlir/IR/BuiltinOps.h>
  <mlir/IR/PatternMatch.h>
  <mlir/Pass/PassManager.h>
  "${PROJECT_SOURCE_DIR}/dialect/Gradus.h"
)

# add_gradus_component(<name> [PRECOMPILED] SOURCES <files> [DEPENDS <targets>] [LINK <targets>])
#
# One static library of the compiler. It is linked against MLIR's shared library only: naming single MLIR
# archives besides would link a second copy of MLIR without any error.
function(add_gradus_component name)
  cmake_parse_arguments(ARG "PRECOMPILED" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  llvm_update_compile_flags(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  if(ARG_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM GradusDialect)
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# add_gradus_tool(<name> SOURCES <files> LINK <targets>)
#
# An executable in bin/ whose installed copy finds libMLIR.so where it was linked.
function(add_gradus_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  llvm_update_compile_flags(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin
    INSTALL_RPATH_USE_LINK_PATH ON)
endfunction()
