# snapgauge_check(NAME FILES graph... [BACKEND name] [SOC name] [SDK version] [PIPELINE name]
#                 [OPTIONS option...] [DEPENDS file...] [ALL] [TEST])
#
# Adds the target NAME, which judges the graphs and fails unless all of them are accepted. It runs again
# when a graph or a file behind DEPENDS (external data of a model) has changed. With ALL it is part of
# the ordinary build; with TEST there is also a test NAME for ctest. OPTIONS go to `snapgauge check`.
# Relative paths start at the current source directory.
include_guard(GLOBAL)

function(snapgauge_check name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "ALL;TEST" "BACKEND;SOC;SDK;PIPELINE" "FILES;OPTIONS;DEPENDS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "snapgauge_check(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_FILES)
    message(FATAL_ERROR "snapgauge_check(${name}): FILES names no graph")
  endif()
  if(NOT TARGET snapgauge::program)
    message(FATAL_ERROR "snapgauge_check(${name}): the program was not installed with the snapgauge package")
  endif()

  set(command snapgauge::program check ${arg_FILES})
  foreach(option IN ITEMS BACKEND SOC SDK PIPELINE)
    if(arg_${option})
      string(TOLOWER --${option} flag)
      list(APPEND command ${flag} ${arg_${option}})
    endif()
  endforeach()
  list(APPEND command ${arg_OPTIONS})

  set(inputs ${arg_FILES} ${arg_DEPENDS})
  list(TRANSFORM inputs PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/$]")
  # In a tree that builds snapgauge itself, its tables have to be there first.
  if(TARGET snapgauge_opinfo_db)
    list(APPEND inputs snapgauge_opinfo_db)
  endif()
  set(stamp ${CMAKE_CURRENT_BINARY_DIR}/${name}.accepted)
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${command}
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${inputs} snapgauge::program
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    COMMENT "Checking ${name}" VERBATIM)
  set(all)
  if(arg_ALL)
    set(all ALL)
  endif()
  add_custom_target(${name} ${all} DEPENDS ${stamp})
  if(arg_TEST)
    add_test(NAME ${name} COMMAND ${command} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
endfunction()
