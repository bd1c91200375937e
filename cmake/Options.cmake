# Warnings and hardening, as one interface target that every target links.
option(CERTMAP_WERROR "Treat warnings as errors" OFF)
set(CERTMAP_SANITIZE "" CACHE STRING "Sanitizers, such as address,undefined")
option(CERTMAP_FUZZ "Build libFuzzer targets (clang)" OFF)
option(CERTMAP_ANALYZE "Run gcc -fanalyzer on every file" OFF)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(certmap_options INTERFACE)
target_compile_definitions(certmap_options INTERFACE _GNU_SOURCE)
target_compile_options(certmap_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wcast-qual -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes
    -Wswitch-enum -Wformat=2 -Wformat-nonliteral -Wundef -Wvla
    -Wnull-dereference
    $<$<C_COMPILER_ID:GNU>:-Wduplicated-cond>
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op>
    $<$<C_COMPILER_ID:GNU>:-Wjump-misses-init>
    -fstack-protector-strong -fstack-clash-protection -fcf-protection)
target_link_options(certmap_options INTERFACE
    -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

if(CERTMAP_WERROR)
    target_compile_options(certmap_options INTERFACE -Werror)
endif()
if(CERTMAP_SANITIZE)
    target_compile_options(certmap_options INTERFACE
        -fsanitize=${CERTMAP_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    target_link_options(certmap_options INTERFACE
        -fsanitize=${CERTMAP_SANITIZE})
else()
    # FORTIFY needs optimisation, and hides what the sanitizers would show.
    target_compile_definitions(certmap_options INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()
if(CERTMAP_FUZZ)
    # Coverage everywhere; libFuzzer's main() only in the targets.
    target_compile_options(certmap_options INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(certmap_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CERTMAP_ANALYZE)
    target_compile_options(certmap_options INTERFACE
        $<$<C_COMPILER_ID:GNU>:-fanalyzer>)
endif()

# certmap_library(NAME SOURCES ... LINKS ...): a folder of the house.
function(certmap_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_LINKS}
        PRIVATE certmap_options)
endfunction()
