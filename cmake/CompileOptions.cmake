# Warnings and sanitizers for the project's own targets, in its own builds.
set(CMAKE_CXX_EXTENSIONS OFF)
add_library(socketserver_options INTERFACE)
target_compile_features(socketserver_options INTERFACE cxx_std_20)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(socketserver_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    $<$<BOOL:${SOCKETSERVER_WARNINGS_AS_ERRORS}>:-Werror>)
endif()
if(SOCKETSERVER_SANITIZE)
  target_compile_options(socketserver_options INTERFACE
    -fsanitize=${SOCKETSERVER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(socketserver_options INTERFACE -fsanitize=${SOCKETSERVER_SANITIZE})
endif()
