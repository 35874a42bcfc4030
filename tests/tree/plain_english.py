"""Words that a reader has to translate stay out of code and pages: `plain_english.py SOURCE`."""

import pathlib
import re
import sys

# CONTRIBUTING.md, "Words", says what to write instead.
SWEPT = [".ci", "bench", "cmake", "docs", "examples", "framework", "handlers", "packaging", "scripts", "tests",
         "CHANGELOG.md", "CMakeLists.txt", "CMakePresets.json", "CONTRIBUTING.md", "README.md", "SECURITY.md"]
LEFT_OUT = ("tests/fuzz/corpus/", "tests/tree/plain_english.py", "docs/performance.svg", "docs/performance.png")
WORDS = ["whoever", "whatever", "nobody", "somebody", "so many", "want of", "anew", "goes on", "go on", "can be had",
         "could be had", "is told", "are told", "for ever", "beside", "likewise", "mostly", "in vain", "belongs into",
         "anybody", "so long", "dear", "stead"]
EXAMPLES = re.compile(r"^\| .* \| .* \|$")  # rows of the table in CONTRIBUTING.md, which has the words to avoid


def files(source):
    """@returns the text files that were swept, in order."""
    for name in SWEPT:
        path = source / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            relative = str(file.relative_to(source))
            if file.is_file() and not relative.startswith(LEFT_OUT) and "__pycache__" not in relative:
                yield file, relative


def main():
    source = pathlib.Path(sys.argv[1])
    pattern = re.compile(r"\b(" + "|".join(WORDS) + r")\b", re.IGNORECASE)
    found, count = [], 0
    for file, relative in files(source):
        count += 1
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            if pattern.search(line) and not (relative == "CONTRIBUTING.md" and EXAMPLES.match(line)):
                found.append(f"{relative}:{number}: {line.strip()}")
    print(*found, f"{count} files read, {len(found)} lines with such words", sep="\n")
    sys.exit(1 if found or count < 400 else 0)


main()
