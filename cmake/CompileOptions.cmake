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

# A large frame touches each page on its way down, and so meets the guard of a fiber's stack. For the library and, with its
# targets, for a user's handlers. clang has it for some processors only.
set(SOCKETSERVER_STACK_FLAG -fstack-clash-protection)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|s390x|ppc64")
  set(SOCKETSERVER_STACK_FLAG "")
endif()

# What distributions compile servers with: a return address or a buffer that was overwritten ends the process, and no
# function pointer of the loader can be overwritten.
if(PROJECT_IS_TOP_LEVEL AND NOT SOCKETSERVER_SANITIZE)
  target_compile_options(socketserver_options INTERFACE -fstack-protector-strong
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(socketserver_options INTERFACE -fcf-protection)
  endif()
  target_link_options(socketserver_options INTERFACE LINKER:-z,relro LINKER:-z,now)
endif()
