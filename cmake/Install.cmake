# What `cmake --install` puts where. Components: runtime (the shared library), development, and examples, which is installed
# only if it is asked for by name.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/socketserver")

# One export set for each kind: a consumer knows one of them, as socketserver::socketserver.
foreach(kind static shared)
  if(TARGET socketserver_${kind})
    install(TARGETS socketserver_${kind} EXPORT socketserver_${kind}
      LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT development
      ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
      FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
    install(EXPORT socketserver_${kind} FILE socketserver_${kind}.cmake NAMESPACE socketserver::
      DESTINATION "${package_dir}" COMPONENT development)
  endif()
endforeach()
# A program that names the static library alone, by path or by -l, gets OpenSSL with it, as with libm.a of glibc.
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/libsocketserver.a"
  "/* GNU ld script: the archive, and libraries that it needs for TLS. */\n"
  "INPUT ( libsocketserver_static.a AS_NEEDED ( -lssl -lcrypto ) )\n")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/libsocketserver.a"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(TARGETS socketserver_testing EXPORT socketserver_testing
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
install(EXPORT socketserver_testing FILE socketserver_testing.cmake NAMESPACE socketserver::
  DESTINATION "${package_dir}" COMPONENT development)

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/socketserverConfig.cmake.in"
  "${CMAKE_CURRENT_BINARY_DIR}/socketserverConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/socketserverConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/socketserverConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/socketserverConfigVersion.cmake"
  DESTINATION "${package_dir}" COMPONENT development)

# The prefix as seen from the .pc files, so that an installed tree can be moved.
file(RELATIVE_PATH pc_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
foreach(name socketserver socketserver-testing)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in" "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
endforeach()

install(FILES "${PROJECT_SOURCE_DIR}/config/server.schema.json"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/socketserver" COMPONENT development)

if(SOCKETSERVER_BUILD_EXAMPLES)
  install(TARGETS ${SOCKETSERVER_EXAMPLES}
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT examples EXCLUDE_FROM_ALL)
  # The unit knows the places that the package has them in: /usr/bin and /etc.
  install(FILES "${PROJECT_SOURCE_DIR}/packaging/systemd/socketserver-uppercase.service"
    DESTINATION lib/systemd/system COMPONENT examples EXCLUDE_FROM_ALL)
  install(FILES "${PROJECT_SOURCE_DIR}/packaging/logrotate/socketserver-uppercase"
    DESTINATION "${CMAKE_INSTALL_SYSCONFDIR}/logrotate.d" COMPONENT examples EXCLUDE_FROM_ALL)
  install(FILES "${PROJECT_SOURCE_DIR}/config/production.json" RENAME uppercase.json
    DESTINATION "${CMAKE_INSTALL_SYSCONFDIR}/socketserver" COMPONENT examples EXCLUDE_FROM_ALL)
  install(FILES "${PROJECT_SOURCE_DIR}/config/server.schema.json"
    DESTINATION "${CMAKE_INSTALL_SYSCONFDIR}/socketserver" COMPONENT examples EXCLUDE_FROM_ALL)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/config"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/socketserver" COMPONENT examples EXCLUDE_FROM_ALL)
endif()

if(PROJECT_IS_TOP_LEVEL AND SOCKETSERVER_BUILD_SHARED AND SOCKETSERVER_BUILD_EXAMPLES)
  include(Packages)
endif()
