# Tests that are scripts rather than C programs. Append a block; a name is what tests/requirements.map uses.
find_package(Python3 COMPONENTS Interpreter)

# nj_script(NAME command...): run from the source root; exit code 77 means skipped.
function(nj_script name)
	add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77 LABELS "scripts"
		ENVIRONMENT "NJ_SOURCE=${CMAKE_SOURCE_DIR};NJ_BIN=${CMAKE_BINARY_DIR}/bin")
endfunction()

if(Python3_FOUND)
	nj_script(tidy.self ${Python3_EXECUTABLE} -B tests/tidy/test_tidy.py)
	nj_script(tidy.tree ${Python3_EXECUTABLE} -B tests/tidy/tidy.py)
endif()

if(Python3_FOUND)
	nj_script(e2e.venue_sim ${Python3_EXECUTABLE} -B tests/e2e/test_venue_sim.py)
	set_tests_properties(e2e.venue_sim PROPERTIES TIMEOUT 600)
endif()

if(Python3_FOUND)
	nj_script(e2e.lockstep ${Python3_EXECUTABLE} -B tests/e2e/test_lockstep.py)
	set_tests_properties(e2e.lockstep PROPERTIES TIMEOUT 900)
endif()

if(Python3_FOUND)
	nj_script(e2e.crash ${Python3_EXECUTABLE} -B tests/e2e/test_crash.py)
	nj_script(e2e.trim ${Python3_EXECUTABLE} -B tests/e2e/test_trim.py)
	nj_script(e2e.full_journal ${Python3_EXECUTABLE} -B tests/e2e/test_full_journal.py)
	set_tests_properties(e2e.crash e2e.trim e2e.full_journal PROPERTIES TIMEOUT 900)
endif()

# What goes wrong from outside: settings, second starts, stops, databases, venues, disks, hangs.
if(Python3_FOUND)
	nj_script(e2e.database_locked ${Python3_EXECUTABLE} -B tests/e2e/test_database.py locked)
	nj_script(e2e.database_broken ${Python3_EXECUTABLE} -B tests/e2e/test_database.py broken)
	set_tests_properties(e2e.database_locked e2e.database_broken PROPERTIES TIMEOUT 300)
	foreach(theme settings lock stop feed rotate binaries supervise free_running disk hostile)
		nj_script(e2e.${theme} ${Python3_EXECUTABLE} -B tests/e2e/test_${theme}.py)
		set_tests_properties(e2e.${theme} PROPERTIES TIMEOUT 300)
	endforeach()
endif()

# Redis in every bad state: five runs of a recording at a speed that leaves time for it.
if(Python3_FOUND)
	nj_script(e2e.redis ${Python3_EXECUTABLE} -B tests/e2e/test_redis.py)
	set_tests_properties(e2e.redis PROPERTIES TIMEOUT 900)
endif()

# What the stack holds: level under load and through an outage, small, and told where it is not.
if(Python3_FOUND)
	nj_script(e2e.memory_flat ${Python3_EXECUTABLE} -B tests/e2e/test_memory.py flat)
	nj_script(e2e.memory_outage ${Python3_EXECUTABLE} -B tests/e2e/test_memory.py outage)
	nj_script(e2e.memory_limits ${Python3_EXECUTABLE} -B tests/e2e/test_memory.py limits)
	nj_script(e2e.memory_allocations ${Python3_EXECUTABLE} -B tests/e2e/test_memory.py allocations)
	set_tests_properties(e2e.memory_flat e2e.memory_outage e2e.memory_limits e2e.memory_allocations PROPERTIES
		TIMEOUT 3600)
endif()

# The clock is set while services run; a strategy never comes back; settings change between two lives.
if(Python3_FOUND)
	nj_script(e2e.clock ${Python3_EXECUTABLE} -B tests/e2e/test_clock.py)
	nj_script(e2e.absent ${Python3_EXECUTABLE} -B tests/e2e/test_absent.py)
	nj_script(e2e.change ${Python3_EXECUTABLE} -B tests/e2e/test_change.py)
	set_tests_properties(e2e.clock e2e.absent e2e.change PROPERTIES TIMEOUT 900)
endif()

# What must outlive everything: the kill switch.
if(Python3_FOUND)
	nj_script(e2e.kill ${Python3_EXECUTABLE} -B tests/e2e/test_kill.py)
endif()

# A real file system that is full: needs the right to mount one, in a namespace of its own.
if(Python3_FOUND)
	nj_script(e2e.tmpfs ${Python3_EXECUTABLE} -B tests/e2e/test_tmpfs.py)
	set_tests_properties(e2e.tmpfs PROPERTIES TIMEOUT 600)
endif()

# docs/*.md are what the programs print; after a change: docs/print.sh
nj_script(docs.fresh ${CMAKE_SOURCE_DIR}/docs/print.sh --check)
nj_script(docs.strategy ${CMAKE_SOURCE_DIR}/docs/compile.sh ${CMAKE_C_COMPILER})

# The command line against a supervised stack.
if(Python3_FOUND)
	nj_script(e2e.nj ${Python3_EXECUTABLE} -B tests/e2e/test_nj.py)
	nj_script(e2e.tap ${Python3_EXECUTABLE} -B tests/e2e/test_tap.py)
	nj_script(e2e.play ${Python3_EXECUTABLE} -B tests/e2e/test_play.py)
	set_tests_properties(e2e.nj e2e.tap e2e.play PROPERTIES TIMEOUT 600)
endif()

if(Python3_FOUND)
	nj_script(e2e.one_process ${Python3_EXECUTABLE} -B tests/e2e/test_one_process.py)
	set_tests_properties(e2e.one_process PROPERTIES TIMEOUT 240)
	nj_script(e2e.replay ${Python3_EXECUTABLE} -B tests/e2e/test_replay.py)
	nj_script(e2e.replay_recorded ${Python3_EXECUTABLE} -B tests/e2e/test_replay.py recorded)
endif()

# Several collectors: the same ledger as by one, and one that dies takes nobody with it.
if(Python3_FOUND)
	nj_script(e2e.shards ${Python3_EXECUTABLE} -B tests/e2e/test_shards.py)
	set_tests_properties(e2e.shards PROPERTIES TIMEOUT 240)
endif()

# Lane M accounted, with a stopped strategy and one service that comes late.
if(Python3_FOUND)
	nj_script(e2e.accounts ${Python3_EXECUTABLE} -B tests/e2e/test_accounts.py)
	nj_script(e2e.overload ${Python3_EXECUTABLE} -B tests/e2e/test_overload.py)
	set_tests_properties(e2e.overload PROPERTIES TIMEOUT 900)
endif()

# The bus over tcp: the same ledger, keys and roles, networks that break.
if(Python3_FOUND)
	nj_script(e2e.network ${Python3_EXECUTABLE} -B tests/e2e/test_network.py)
	nj_script(e2e.partition ${Python3_EXECUTABLE} -B tests/e2e/test_partition.py)
	set_tests_properties(e2e.network e2e.partition PROPERTIES TIMEOUT 600)
endif()

# A venue's past: fetched from the simulator, killed and resumed; a venue that refuses and has holes; files.
if(Python3_FOUND)
	nj_script(e2e.backfill ${Python3_EXECUTABLE} -B tests/e2e/test_backfill.py)
endif()

# Instruments that are asked for, not streamed; numbers from elsewhere.
if(Python3_FOUND)
	nj_script(e2e.polling ${Python3_EXECUTABLE} -B tests/e2e/test_polling.py)
endif()

# Markets that are found, followed, resolved and dropped.
if(Python3_FOUND)
	nj_script(e2e.scan ${Python3_EXECUTABLE} -B tests/e2e/test_scan.py)
endif()

# The examples for other languages, against a live bus.
if(Python3_FOUND)
	nj_script(e2e.python ${Python3_EXECUTABLE} -B tests/e2e/test_python.py)
	set_tests_properties(e2e.python PROPERTIES TIMEOUT 600)
endif()

# Lane X: its protocol in every state; killed, stopped, failed once at every operation, beside buses that keep nothing.
if(Python3_FOUND)
	nj_script(model.bus ${Python3_EXECUTABLE} -B tests/model/run.py)
	set_tests_properties(model.bus PROPERTIES TIMEOUT 900)
	foreach(theme storm points control faults compare)
		nj_script(chaos.bus_${theme} ${Python3_EXECUTABLE} -B tests/chaos/bus/test_bus.py ${theme})
		set_tests_properties(chaos.bus_${theme} PROPERTIES TIMEOUT 900)
	endforeach()
endif()

# Intents of a strategy that was stopped come too late.
if(Python3_FOUND)
	nj_script(e2e.expiry ${Python3_EXECUTABLE} -B tests/e2e/test_expiry.py)
	set_tests_properties(e2e.expiry PROPERTIES TIMEOUT 600)
endif()

# Our account at a venue, whose simulator knows the key and looks at each signature.
if(Python3_FOUND)
	nj_script(e2e.account_sync ${Python3_EXECUTABLE} -B tests/e2e/test_account_sync.py)
endif()

# A live account: its orders at a venue that is played, through lost replies and SIGKILLs.
if(Python3_FOUND)
	nj_script(e2e.live ${Python3_EXECUTABLE} -B tests/e2e/test_live.py)
endif()

# The simulator in each venue's own protocol, from that venue's captures; the collector on it.
if(Python3_FOUND)
	nj_script(e2e.venues ${Python3_EXECUTABLE} -B tests/e2e/test_venues.py)
	nj_script(e2e.venue_feeds ${Python3_EXECUTABLE} -B tests/e2e/test_venue_feeds.py)
	nj_script(e2e.stamped ${Python3_EXECUTABLE} -B tests/e2e/test_stamped.py)
	nj_script(e2e.venue_hostile ${Python3_EXECUTABLE} -B tests/e2e/test_venue_hostile.py)
	nj_script(e2e.ban ${Python3_EXECUTABLE} -B tests/e2e/test_ban.py)
endif()

# The executor's journal, added up again by another program.
if(Python3_FOUND)
	nj_script(executor.recount ${Python3_EXECUTABLE} -B tests/unit/executor/recount.py)
endif()

# With NJ_LONG set a test may take hours. ctest reads this after every test is known: chaos is a folder below, and
# TEST_INCLUDE_FILES of its CMakeLists.txt names the file.
if(Python3_FOUND)
	nj_script(long.reach ${Python3_EXECUTABLE} -B tests/chaos/test_long.py ${CMAKE_BINARY_DIR})
endif()
get_property(every_test DIRECTORY PROPERTY TESTS)
string(JOIN " " every_test ${every_test})
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/chaos/long.cmake
	"if(NOT \"\$ENV{NJ_LONG}\" STREQUAL \"\")\n\tset_tests_properties(${every_test} PROPERTIES TIMEOUT 14400)\nendif()\n")
