# Installs the program, its database, manual page and completions, the public headers, and the static
# libraries as the CMake package `snapgauge` (targets snapgauge::snapgauge and snapgauge::program, function
# snapgauge_check). The tree may be moved after installation: the program finds its database relative
# to itself.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/snapgauge)
set(data_dir ${CMAKE_INSTALL_DATADIR}/snapgauge)
get_property(modules GLOBAL PROPERTY SNAPGAUGE_MODULES)

if(TARGET snapgauge)
  install(TARGETS snapgauge EXPORT snapgauge RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  set(share ${PROJECT_BINARY_DIR}/share)
  install(FILES ${share}/man/man1/snapgauge.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(DIRECTORY ${share}/bash-completion ${share}/zsh ${share}/fish DESTINATION ${CMAKE_INSTALL_DATADIR})
endif()
install(TARGETS snapgauge_library snapgauge_flags ${modules} EXPORT snapgauge
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT snapgauge NAMESPACE snapgauge:: FILE snapgaugeTargets.cmake DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/snapgaugeConfig.cmake.in
  ${PROJECT_BINARY_DIR}/snapgaugeConfig.cmake INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/snapgaugeConfigVersion.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/snapgaugeConfig.cmake ${PROJECT_BINARY_DIR}/snapgaugeConfigVersion.cmake
        ${PROJECT_SOURCE_DIR}/cmake/SnapgaugeCheck.cmake
        DESTINATION ${package_dir})

file(GLOB public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/snapgauge/*.h)
install(FILES ${public_headers} ${PROJECT_BINARY_DIR}/generated/snapgauge/version.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/snapgauge)
install(FILES ${PROJECT_BINARY_DIR}/share/snapgauge/opinfo.db DESTINATION ${data_dir} OPTIONAL)

file(GLOB schemas CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/schema/*.json)
if(schemas)
  install(FILES ${schemas} DESTINATION ${data_dir}/schema)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/THIRD_PARTY.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
