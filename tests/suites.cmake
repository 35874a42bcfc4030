# What the suite consists of, and under which presets each part runs: a name, then its labels.
#
#   threads     runs under ThreadSanitizer, too: it starts threads, or a server that does
#   packaged    runs in the preset `packaged`, too, against the library as it is packed
#   no-asan     does not run under AddressSanitizer: it measures memory, takes descriptors away, preloads code, counts
#               system calls, or would find nothing there that the others do not try
#
# A part without `threads` is left out under ThreadSanitizer, one without `packaged` in that preset.

set(SUITES  # a folder each; what takes the longest to compile begins first
  "server       threads packaged"
  "net          threads packaged"
  "concurrency  threads packaged"
  "wait         threads packaged"
  "io           threads packaged"
  "tls          threads packaged"
  "client       threads packaged"
  "testing"
  "config"
  "observe"
  "handlers"
  "fuzz"
  "base"
  "wire")

set(SCRIPTS  # tests/programs/NAME.py, against built servers
  "endings         threads packaged"
  "fibers          threads packaged"
  "signals         threads packaged"
  "command_line    packaged"
  "config_keys     packaged"
  "configurations  packaged"
  "examples        packaged"
  "limits          packaged"
  "line_proxy      packaged"
  "behind_a_proxy  no-asan"
  "interop         no-asan"
  "readme          no-asan"
  "schema          no-asan"
  "service         no-asan"
  "system_calls    no-asan"
  "tls             no-asan"
  "tls_server      no-asan")

set(PROGRAMS  # tests/NAME.cpp, which the scripts start
  "programs/probe_server      threads packaged"
  "programs/tls_echo          no-asan"
  "programs/config_table      no-asan"
  "programs/config_verdicts   no-asan"
  "readme/asio_session        no-asan"
  "readme/desk_server         no-asan"
  "readme/hello_server        no-asan"
  "readme/hello_test          no-asan"
  "readme/own_main            no-asan"
  "readme/patient_client      no-asan"
  "readme/score_server        no-asan"
  "readme/sum_server          no-asan"
  "readme/upper_server        no-asan"
  "tutorial/store_server      no-asan"
  "tutorial/store_test        no-asan")

set(ROWS  # of tests/survival/rows.py, briefly; scripts/soak takes its time
  "1   packaged no-asan"
  "2   threads packaged"
  "3   threads packaged"
  "4   threads packaged"
  "5   threads packaged"
  "6   threads packaged"
  "7   packaged no-asan"
  "8   threads packaged"
  "11  threads packaged"
  "12  threads packaged"
  "13  threads packaged"
  "14  threads packaged"
  "15  threads packaged"
  "17  threads packaged"
  "18  packaged no-asan"
  "19  packaged"
  "22  threads packaged"
  "23  threads packaged"
  "26  threads packaged"
  "27  packaged no-asan"
  "28  packaged")

set(EXAMPLE_PROGRAMS  # examples/NAME.cpp, which the scripts start
  "uppercase_server      threads packaged"
  "raw_uppercase_server  packaged"
  "struct_echo_server    packaged"
  "chat_server           packaged"
  "line_proxy            packaged"
  "uppercase_client      no-asan"
  "struct_client         no-asan"
  "tls_client            no-asan")

# @param out  the names of those parts that this preset runs, in the order of the table.
function(select_parts out)
  set(names)
  foreach(part IN LISTS ARGN)
    string(REGEX MATCHALL "[^ ]+" labels "${part}")
    list(POP_FRONT labels name)
    if(SOCKETSERVER_SANITIZE MATCHES "thread" AND NOT "threads" IN_LIST labels)
      continue()
    elseif(SOCKETSERVER_SANITIZE MATCHES "address" AND "no-asan" IN_LIST labels)
      continue()
    elseif(SOCKETSERVER_TEST_PACKAGED AND NOT "packaged" IN_LIST labels)
      continue()
    endif()
    list(APPEND names ${name})
  endforeach()
  set(${out} ${names} PARENT_SCOPE)
endfunction()
