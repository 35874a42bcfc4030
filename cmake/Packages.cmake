# The .deb packages, by `cpack` in the build folder: the library, what is needed to build with it, and the examples.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME socketserver)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "socketserver maintainers <maintainers@socketserver.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL runtime development examples)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
# What Debian puts elsewhere than `cmake --install`.
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/debian_layout.cmake")
set(CPACK_DEBIAN_FILES "${PROJECT_SOURCE_DIR}/packaging/debian")  # for that script
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(so_version "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libsocketserver${so_version})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/packaging/debian/triggers")
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "TCP servers in the shape of Python's socketserver - shared library
A handler is a class with plain blocking code. The server runs it inline, on a
thread each, on a pool or on fibers, with a deadline on every wait.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libsocketserver-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libsocketserver${so_version} (= ${PROJECT_VERSION}), libspdlog-dev, libboost-context-dev, libssl-dev")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "TCP servers in the shape of Python's socketserver - development files
Headers, the static library, the library for tests of handlers, and the files
for CMake and pkg-config.")

set(CPACK_DEBIAN_EXAMPLES_PACKAGE_NAME socketserver-examples)
set(CPACK_DEBIAN_EXAMPLES_PACKAGE_SECTION net)
set(CPACK_DEBIAN_EXAMPLES_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_EXAMPLES_PACKAGE_DEPENDS procps)  # the unit's /bin/kill
set(examples_control conffiles postinst prerm postrm)  # they restart, stop and remove the service
list(TRANSFORM examples_control PREPEND "${PROJECT_SOURCE_DIR}/packaging/debian/")
set(CPACK_DEBIAN_EXAMPLES_PACKAGE_CONTROL_EXTRA ${examples_control})
set(CPACK_DEBIAN_EXAMPLES_DESCRIPTION "TCP servers in the shape of Python's socketserver - example servers
Servers and clients that are ready to run, configurations for them, a systemd
unit, which is not enabled, and rotation of its log file.")

include(CPack)
