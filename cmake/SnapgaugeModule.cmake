# Compile options shared by every target of the project, and the one function that declares a module.

add_library(snapgauge_flags INTERFACE)
target_compile_features(snapgauge_flags INTERFACE cxx_std_20)
if(SNAPGAUGE_BUILD_ONCE)
  # Nobody reads the warnings, and looking for them costs a tenth of the build; so does tidying up memory.
  target_compile_options(snapgauge_flags INTERFACE $<BUILD_INTERFACE:-w>
    $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=500000>>)
else()
  target_compile_options(snapgauge_flags INTERFACE
    $<BUILD_INTERFACE:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor>
    # g++ 12 reports members of an empty std::optional as maybe uninitialized.
    $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>>)
endif()
if(SNAPGAUGE_WERROR)
  target_compile_options(snapgauge_flags INTERFACE $<BUILD_INTERFACE:-Werror>)
endif()
if(SNAPGAUGE_SANITIZE)
  target_compile_options(snapgauge_flags INTERFACE
    $<BUILD_INTERFACE:-fsanitize=${SNAPGAUGE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer>)
  target_link_options(snapgauge_flags INTERFACE $<BUILD_INTERFACE:-fsanitize=${SNAPGAUGE_SANITIZE}>)
endif()
# What the compiler and the linker have of it; scripts/check_hardening looks at the result. Sanitizers do more.
if(SNAPGAUGE_HARDEN AND NOT SNAPGAUGE_SANITIZE)
  include(CheckCXXCompilerFlag)
  include(CheckLinkerFlag)
  include(CheckPIESupported)
  check_pie_supported()
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  foreach(flag IN ITEMS -fstack-protector-strong -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER "SNAPGAUGE_HAS${flag}" has)
    check_cxx_compiler_flag(${flag} ${has})
    if(${has})
      target_compile_options(snapgauge_flags INTERFACE $<BUILD_INTERFACE:${flag}>)
    endif()
  endforeach()
  # Needs an optimizing build.
  target_compile_options(snapgauge_flags INTERFACE
    $<BUILD_INTERFACE:$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>>)
  foreach(flag IN ITEMS -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
    string(MAKE_C_IDENTIFIER "SNAPGAUGE_HAS${flag}" has)
    check_linker_flag(CXX ${flag} ${has})
    if(${has})
      target_link_options(snapgauge_flags INTERFACE $<BUILD_INTERFACE:${flag}>)
    endif()
  endforeach()
endif()
if(SNAPGAUGE_COVERAGE)
  target_compile_options(snapgauge_flags INTERFACE $<BUILD_INTERFACE:--coverage>)
  target_link_options(snapgauge_flags INTERFACE $<BUILD_INTERFACE:--coverage>)
endif()

# snapgauge_quick_to_build(TARGET COLD): what makes a release build quick. COLD code runs once per start or per
# command, never per node: -Og costs it nothing that shows and saves a third of its build. The headers that nearly
# every file includes are read once per level of optimization.
function(snapgauge_quick_to_build target cold)
  set(level hot)
  if(cold AND CMAKE_BUILD_TYPE STREQUAL Release)
    set(level cold)
    target_compile_options(${target} PRIVATE -Og)
  endif()
  if(NOT SNAPGAUGE_BUILD_ONCE)
    return()
  endif()
  get_property(first GLOBAL PROPERTY SNAPGAUGE_PRECOMPILED_${level})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled.h)
    set_property(GLOBAL PROPERTY SNAPGAUGE_PRECOMPILED_${level} ${target})
  endif()
endfunction()

# snapgauge_module(FOLDER [COLD] USES module... LINKS library...)
# One folder in src/ (a folder inside it is a module of its own), one static library. USES is the whole list of project modules its files may
# include; scripts/check_layers.py reads the same lines and fails on any other include.
function(snapgauge_module folder)
  cmake_parse_arguments(arg "COLD" "" "USES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cc)
  string(REPLACE "/" "_" name ${folder})
  list(TRANSFORM arg_USES REPLACE "/" "_")
  list(TRANSFORM arg_USES PREPEND snapgauge_)
  if(sources)
    add_library(snapgauge_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(snapgauge_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(snapgauge_${name} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(snapgauge_${name} ${scope} snapgauge_flags ${arg_USES} ${arg_LINKS})
  set_property(GLOBAL APPEND PROPERTY SNAPGAUGE_MODULES snapgauge_${name})
  if(sources)
    set_target_properties(snapgauge_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON
      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    snapgauge_quick_to_build(snapgauge_${name} "${arg_COLD}")
  endif()
  set_target_properties(snapgauge_${name} PROPERTIES EXPORT_NAME ${name})
endfunction()

# snapgauge_program(FOLDER OUTPUT USES module... LINKS library...)
# The folder in src/ that holds a main function, in main.cc when there is more: the rest is snapgauge_FOLDER, which
# tests can link. Nothing is built while it has no sources.
function(snapgauge_program folder output)
  cmake_parse_arguments(arg "COLD" "" "USES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cc)
  if(NOT sources)
    return()
  endif()
  list(TRANSFORM arg_USES REPLACE "/" "_")
  list(TRANSFORM arg_USES PREPEND snapgauge_)
  set(main ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/main.cc)
  if(main IN_LIST sources)
    list(REMOVE_ITEM sources ${main})
    add_library(snapgauge_${folder} STATIC ${sources})
    target_link_libraries(snapgauge_${folder} PUBLIC snapgauge_flags ${arg_USES} ${arg_LINKS})
    set_target_properties(snapgauge_${folder} PROPERTIES POSITION_INDEPENDENT_CODE ON
      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    snapgauge_quick_to_build(snapgauge_${folder} "${arg_COLD}")
    set(sources ${main})
    set(arg_USES snapgauge_${folder})
  endif()
  add_executable(${output} ${sources})
  target_link_libraries(${output} PRIVATE snapgauge_flags ${arg_USES} ${arg_LINKS})
  set_target_properties(${output} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()
