# The CMake package Gradus: the same files serve `find_package(Gradus)` on the build tree (-DGradus_DIR=<build>/lib/cmake/Gradus, or
# the build folder in CMAKE_PREFIX_PATH) and on an install prefix.
include(CMakePackageConfigHelpers)

if(TARGET gradus)
  install(TARGETS gradus EXPORT GradusTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY lang/std DESTINATION ${CMAKE_INSTALL_DATADIR}/gradus FILES_MATCHING PATTERN "*.grad" PATTERN "README.md") # `gradus doc` reads what the folders hold
install(FILES editors/README.md editors/gradus.tmLanguage.json DESTINATION ${CMAKE_INSTALL_DATADIR}/gradus/editors)
install(FILES docs/schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/gradus) # of what --json prints
install(FILES lang/REFERENCE.md DESTINATION ${CMAKE_INSTALL_DATADIR}/gradus) # what `gradus lsp` says of words
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)

get_filename_component(GRADUS_OMP_FOLDER "${GRADUS_OMP_LIBRARY}" DIRECTORY)
set(package_install_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Gradus)
set(package_build_dir ${CMAKE_BINARY_DIR}/lib/cmake/Gradus)
configure_package_config_file(cmake/GradusConfig.cmake.in ${package_build_dir}/GradusConfig.cmake
  INSTALL_DESTINATION ${package_install_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${package_build_dir}/GradusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(cmake/GradusAddLibrary.cmake ${package_build_dir}/GradusAddLibrary.cmake COPYONLY)
export(EXPORT GradusTargets NAMESPACE Gradus:: FILE ${package_build_dir}/GradusTargets.cmake)
install(EXPORT GradusTargets NAMESPACE Gradus:: DESTINATION ${package_install_dir})
install(FILES
  ${package_build_dir}/GradusConfig.cmake
  ${package_build_dir}/GradusConfigVersion.cmake
  cmake/GradusAddLibrary.cmake
  DESTINATION ${package_install_dir})

# The .deb: dpkg-shlibdeps names the packages of the tool's shared libraries (libmlir-22, the ANTLR runtime, ..) but for libllvm22: it
# finds libLLVM.so through a link of llvm-22-dev, a package that names none. The
# archive of OpenMP hooks wants libomp only where it is linked.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gradus)
set(CPACK_PACKAGE_VENDOR Gradus)
set(CPACK_PACKAGE_CONTACT "Gradus <gradus@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libllvm22 (>= 1:${LLVM_VERSION_MAJOR}.${LLVM_VERSION_MINOR})")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "cmake (>= 3.25), libomp-22-dev")
include(CPack)
