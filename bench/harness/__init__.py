"""The benchmark's harness: starts servers, loads them, compares figures round by round. See bench/README.md."""
