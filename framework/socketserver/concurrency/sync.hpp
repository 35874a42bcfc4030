#pragma once
// Mutex, ConditionVariable and sleep_for: the public path of wait/sync.hpp.

#include <socketserver/wait/sync.hpp>
