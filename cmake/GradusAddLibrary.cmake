# gradus_add_library(<target> SPECS <a.grad> ... [DTYPE f32|f64] [GUARD off|joint|grads|full] [PREFIX <prefix>]
#                    [TARGETS <target> ...] [OPTIONS <option> ...])
#
# TARGETS are instruction sets (x86-64-v3, x86-64-v4, or native) and devices (vulkan, nvptx:sm_80, sm_90); TARGET takes the same with commas between. An
# application with entries on devices links Gradus::vulkan or Gradus::cuda besides.
#
# Compiles specs when the project is built, again whenever a spec or what it imports changes, and makes <target>: linking it brings
# the archives, the folder of a.h and a.hpp, and Gradus::runtime. The files lie in ${CMAKE_CURRENT_BINARY_DIR}/<target>.gradus.
cmake_policy(PUSH)
cmake_policy(VERSION 3.25)

function(gradus_add_library target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "DTYPE;GUARD;PREFIX;TARGET" "SPECS;OPTIONS;TARGETS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gradus_add_library(${target}): unknown arguments '${ARG_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT ARG_SPECS)
    message(FATAL_ERROR "gradus_add_library(${target}): SPECS names no spec")
  endif()
  if(NOT TARGET Gradus::gradus)
    message(FATAL_ERROR "gradus_add_library(${target}): this installation of Gradus has no compiler")
  endif()

  if(ARG_TARGETS)
    if(ARG_TARGET)
      message(FATAL_ERROR "gradus_add_library(${target}): TARGET and TARGETS are given; TARGETS alone takes all of them")
    endif()
    list(JOIN ARG_TARGETS "," ARG_TARGET)
  endif()

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}.gradus)
  set(flags ${ARG_OPTIONS})
  foreach(option DTYPE GUARD PREFIX TARGET)
    if(NOT "${ARG_${option}}" STREQUAL "") # not if(ARG_..): `off` is false
      string(TOLOWER ${option} name)
      list(APPEND flags --${name}=${ARG_${option}})
    endif()
  endforeach()

  set(archives)
  set(headers)
  foreach(spec IN LISTS ARG_SPECS)
    get_filename_component(spec ${spec} ABSOLUTE)
    get_filename_component(stem ${spec} NAME_WLE)
    set(base ${folder}/${stem})
    if("${base}.a" IN_LIST archives)
      message(FATAL_ERROR "gradus_add_library(${target}): two specs are called '${stem}'")
    endif()
    add_custom_command(
      OUTPUT ${base}.a ${base}.h ${base}.hpp ${base}.json
      COMMAND Gradus::gradus build ${spec} -o ${folder} ${flags}
      DEPENDS ${spec} Gradus::gradus
      DEPFILE ${base}.d
      COMMENT "Compiling ${stem}.grad"
      VERBATIM)
    list(APPEND archives ${base}.a)
    list(APPEND headers ${base}.h ${base}.hpp ${base}.json)
  endforeach()

  add_custom_target(${target}_specs DEPENDS ${archives} ${headers})
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_specs)
  target_include_directories(${target} INTERFACE ${folder})
  target_link_libraries(${target} INTERFACE ${archives} Gradus::runtime)
endfunction()

cmake_policy(POP)
