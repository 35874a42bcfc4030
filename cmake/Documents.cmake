# The API reference, from the public headers' comments. A name without one, or a comment with a mistake, is an error.
find_package(Doxygen QUIET)
if(NOT DOXYGEN_FOUND)
  message(STATUS "doxygen is not there: no target docs, and no test of it")
  return()
endif()

get_property(documented GLOBAL PROPERTY SOCKETSERVER_DOCUMENTED)
list(FILTER documented EXCLUDE REGEX "/detail/")
string(JOIN " " documented ${documented})
set(DOXYGEN_WARN_AS_ERROR FAIL_ON_WARNINGS)  # not YES, which would stop at the first
configure_file("${PROJECT_SOURCE_DIR}/docs/Doxyfile.in" "${PROJECT_BINARY_DIR}/docs/Doxyfile" @ONLY)
add_custom_target(docs
  COMMAND Doxygen::doxygen "${PROJECT_BINARY_DIR}/docs/Doxyfile"
  COMMENT "Writing the API reference to docs/html"
  VERBATIM)
