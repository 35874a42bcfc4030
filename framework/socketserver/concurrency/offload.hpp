#pragma once
// offload(): the public path of wait/offload.hpp.

#include <socketserver/wait/offload.hpp>
