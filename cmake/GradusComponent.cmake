# add_gradus_component(<name> SOURCES <files> [DEPENDS <targets>] [LINK <targets>])
#
# One static library of the compiler. It is linked against MLIR's shared library only: naming single MLIR
# archives besides would link a second copy of MLIR without any error.
function(add_gradus_component name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  llvm_update_compile_flags(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
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
