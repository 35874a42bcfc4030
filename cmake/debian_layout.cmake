# Run by CPack between installing and packing: /etc is not below /usr, and each package has its documents
# (Debian Policy 10.7, 12.5 and 12.7).
find_program(GZIP gzip REQUIRED)

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  set(root "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component}")
  if(EXISTS "${root}/usr/etc")
    file(RENAME "${root}/usr/etc" "${root}/etc")
  endif()
  string(TOUPPER "CPACK_DEBIAN_${component}_PACKAGE_NAME" name)
  set(documents "${root}/usr/share/doc/${${name}}")
  file(MAKE_DIRECTORY "${documents}")
  configure_file("${CPACK_DEBIAN_FILES}/copyright" "${documents}/copyright" COPYONLY)
  execute_process(COMMAND "${GZIP}" -9nc "${CPACK_DEBIAN_FILES}/changelog"
    OUTPUT_FILE "${documents}/changelog.gz" COMMAND_ERROR_IS_FATAL ANY)
  file(CHMOD "${documents}/changelog.gz" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endforeach()
