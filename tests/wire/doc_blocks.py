#!/usr/bin/env python3
"""Checks that each C++ block of a page stands verbatim in a file that is compiled.

Usage: doc_blocks.py PAGE.md FILE.cpp
"""

import pathlib
import re
import sys


def main():
    page, source = (pathlib.Path(path).read_text(encoding="utf-8") for path in sys.argv[1:3])
    blocks = re.findall(r"^```cpp\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    if not blocks:
        sys.exit(f"{sys.argv[1]} has no C++ block")
    for block in blocks:
        if block not in source:
            sys.exit(f"{sys.argv[2]} does not have this block of {sys.argv[1]}:\n{block}")


if __name__ == "__main__":
    main()
