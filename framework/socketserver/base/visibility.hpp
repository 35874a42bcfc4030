#pragma once
// What the shared library exports: the namespaces that are marked with this, as those of the public headers are.
// All else is hidden, so that it can change between versions.

#define SOCKETSERVER_PUBLIC [[gnu::visibility("default")]]
