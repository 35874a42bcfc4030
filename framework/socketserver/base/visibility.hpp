#pragma once
// What the shared library exports: the namespaces that are marked with this, as those of the public headers are, and
// the classes of detail/ that are marked, which socketserver::testing needs. All else is hidden, so that it can change.

#define SOCKETSERVER_PUBLIC [[gnu::visibility("default")]]
/// For what is private within a public class.
#define SOCKETSERVER_HIDDEN [[gnu::visibility("hidden")]]
