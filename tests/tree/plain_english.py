"""Words that a reader has to translate stay out of the folders that have been swept: `plain_english.py SOURCE`."""

import pathlib
import re
import sys

# CONTRIBUTING.md, "Words", says what to write instead. A folder is added here when it has been swept.
SWEPT = ["framework/socketserver/base", "framework/socketserver/config", "framework/socketserver/cli",
         "framework/socketserver/net", "framework/socketserver/observe", "framework/socketserver/server",
         "framework/socketserver/wire", "handlers", "examples"]
WORDS = ["whoever", "whatever", "nobody", "somebody", "so many", "want of", "anew", "goes on", "go on", "can be had",
         "is told", "are told", "for ever", "beside", "likewise", "mostly", "in vain", "belongs into"]


def main():
    source = pathlib.Path(sys.argv[1])
    pattern = re.compile(r"\b(" + "|".join(WORDS) + r")\b", re.IGNORECASE)
    found = [f"{path.relative_to(source)}:{number}: {line.strip()}"
             for folder in SWEPT for path in sorted((source / folder).rglob("*.[hc]pp"))
             for number, line in enumerate(path.read_text().splitlines(), 1) if pattern.search(line)]
    files = sum(1 for folder in SWEPT for _ in (source / folder).rglob("*.[hc]pp"))
    print(*found, f"{files} files read, {len(found)} lines with such words", sep="\n")
    sys.exit(1 if found or files < 100 else 0)


main()
