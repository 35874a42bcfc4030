# What `cmake --install` puts where; a consumer says find_package(socketserver 0.1 CONFIG REQUIRED).
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/socketserver")
install(TARGETS socketserver socketserver_testing EXPORT socketserverTargets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT socketserverTargets NAMESPACE socketserver:: DESTINATION "${package_dir}")

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/socketserverConfig.cmake.in"
  "${CMAKE_CURRENT_BINARY_DIR}/socketserverConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/socketserverConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/socketserverConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/socketserverConfigVersion.cmake"
  DESTINATION "${package_dir}")
