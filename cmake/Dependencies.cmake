# Everything comes from the distribution's packages; scripts/setup installs what is missing.
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS SSL Crypto)
find_package(boost_context 1.74 CONFIG REQUIRED)  # the switch between fibers

# Asio's package has headers only and no CMake configuration.
find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)
file(STRINGS "${ASIO_INCLUDE_DIR}/asio/version.hpp" asio_version REGEX "#define ASIO_VERSION [0-9]+")
string(REGEX REPLACE "#define ASIO_VERSION ([0-9]+).*" "\\1" asio_version "${asio_version}")
if(asio_version LESS 102200)
  message(FATAL_ERROR "standalone Asio >= 1.22 is needed; ${ASIO_INCLUDE_DIR} has ASIO_VERSION ${asio_version}")
endif()
add_library(socketserver_asio INTERFACE)
target_include_directories(socketserver_asio SYSTEM INTERFACE "${ASIO_INCLUDE_DIR}")
target_compile_definitions(socketserver_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)
if(SOCKETSERVER_SANITIZE MATCHES "thread")
  # ThreadSanitizer does not know fences; Asio's queues are ordered by their mutexes without them.
  target_compile_definitions(socketserver_asio INTERFACE ASIO_DISABLE_FENCED_BLOCK)
endif()
