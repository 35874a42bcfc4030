#!/usr/bin/env python3
"""Writes C++ tests of Struct whose expectations come from Python's own struct.

Usage: struct_vectors.py FILE...
Formats and values are drawn from a fixed seed and spread over the files; what they give on this machine, natively too,
Python says. The tests are two ways, pack and unpack, and the values that must be refused.
"""

import math
import random
import struct
import sys

SEED = 19991
PREFIXES = ("", "@", "=", "<", ">", "!")
SIGNED, UNSIGNED, NATIVE_ONLY = "bhilqn", "BHILQNP", "nNP"
CHARACTERS = "xcbB?hHiIlLqQnNefdspP"
RANDOM_FORMATS = 60
VALUE_SETS = 3

TYPES = {"b": "std::int8_t", "B": "std::uint8_t", "h": "std::int16_t", "H": "std::uint16_t", "i": "std::int32_t",
         "I": "std::uint32_t", "q": "std::int64_t", "Q": "std::uint64_t", "n": "std::ptrdiff_t", "N": "std::size_t",
         "P": "std::uintptr_t"}


class Format:
    """A format's text and its items, of which each takes one value: (character, count of bytes for s and p)."""

    def __init__(self, prefix, members):
        self.native = prefix in ("", "@")
        self.items = []
        text = prefix
        for blank, count, code in members:
            text += blank + count + code
            if code in "sp":
                self.items.append((code, int(count or 1)))
            elif code != "x":
                self.items += [(code, 1)] * int(count or 1)
        self.text = text
        self.size = struct.calcsize(text)

    def bits(self, code):
        return 8 * struct.calcsize(("@" if self.native else "=") + code)

    def integer_range(self, code):
        bits = self.bits(code)
        return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if code in SIGNED else (0, (1 << bits) - 1)


def formats(rng):
    for prefix in PREFIXES:
        allowed = [c for c in CHARACTERS if prefix in ("", "@") or c not in NATIVE_ONLY]
        for code in allowed:
            yield Format(prefix, [("", "", code)])
            # 0p is left out: Python's own unpack fails on it.
            counts = ["2", "5", "300"] if code == "p" else ["0", "7"] if code == "s" else ["0", "3"]
            yield Format(prefix, [("", rng.choice(counts), code), (" ", "", rng.choice(allowed))])
    for _ in range(RANDOM_FORMATS):
        prefix = rng.choice(PREFIXES)
        allowed = [c for c in CHARACTERS if prefix in ("", "@") or c not in NATIVE_ONLY]
        members = []
        for _ in range(rng.randint(2, 6)):
            code = rng.choice(allowed)
            count = str(rng.randint(1, 12)) if code in "spx" else rng.choice(["", "", "", "0", "2", "03"])
            members.append((rng.choice(["", "", " ", "\t", " \n "]), count, code))
        yield Format(prefix, members)


def text(rng, count):
    length = rng.choice([0, count, count + 3, rng.randint(0, count + 1)])
    return bytes(rng.choice([0, 65, 97, 255, rng.randrange(256)]) for _ in range(length))


def number(rng, code):
    exponent = {"e": 15, "f": 127, "d": 1023}[code]
    scale = math.ldexp(1.0, rng.randint(-exponent - 12, exponent - 1))
    exact = {"e": [65504.0, 65519.0, 2.0**-24, 2.0**-25, 3 * 2.0**-25, 2.0**-14, 1 + 2.0**-11, 1 + 3 * 2.0**-11],
             "f": [3.4028234663852886e38, 3.4028235677973362e38, 2.0**-149, 2.0**-150, 1 + 2.0**-24],
             "d": [1.7976931348623157e308, 5e-324]}[code]
    return rng.choice([rng.uniform(-1, 1) * scale, rng.uniform(1, 1.99) * scale, rng.choice(exact),
                       -rng.choice(exact), 0.0, -0.0, math.inf, -math.inf, float(rng.randint(-9, 9))])


def value(rng, form, item):
    code, count = item
    if code in "sp":
        return text(rng, count)
    if code == "c":
        return bytes([rng.randrange(256)])
    if code == "?":
        return rng.random() < 0.5
    if code in "efd":
        return number(rng, code)
    low, high = form.integer_range(code)
    return rng.choice([low, high, 0, 1, rng.randint(low, high), rng.randint(low, high)])


def bad_values(form, code):
    """Values that the item must refuse, as far as 64 bits can say them, each with the message."""
    if code in "ef":
        limit = 65520.0 if code == "e" else 3.4028235677973366e38
        return [(sign * size, f"float too large to pack with {code} format")
                for sign in (1, -1) for size in (limit, 1e300)]
    if code not in SIGNED + UNSIGNED:
        return []
    low, high = form.integer_range(code)
    message = f"'{code}' format requires {low} <= number <= {high}"
    candidates = [low - 1, high + 1, -(1 << 63)] if form.bits(code) < 64 else [low - 1, high + 1]
    return [(bad, message) for bad in candidates if -(1 << 63) <= bad < (1 << 64)]


def integer_literal(number):
    if number == -(1 << 63):
        return "(-9223372036854775807LL - 1)"
    return f"{number}LL" if number < (1 << 63) else f"{number}ULL"


def text_literal(data):
    return '"' + "".join(f"\\{byte:03o}" for byte in data) + '"'


def float_literal(number):
    if math.isinf(number):
        return "kInfinity" if number > 0 else "-kInfinity"
    return number.hex()


def argument(code, given):
    """What the test hands to pack: wider than the item wherever there is a wider type."""
    if code in "sp":
        return text_literal(given) + "sv"
    if code == "c":
        return f"char(0x{given[0]:02x})"
    if code == "?":
        return "true" if given else "false"
    if code in "efd":
        return float_literal(given)
    return integer_literal(given)


def result(form, code, got):
    """What unpack must give, in the very type of the tuple's element."""
    if code in "sp":
        return text_literal(got) + "s"
    if code == "c":
        return f"char(0x{got[0]:02x})"
    if code == "?":
        return "true" if got else "false"
    if code in "efd":
        return f"{'double' if code == 'd' else 'float'}({float_literal(got)})"
    if code in "lL":
        name = {"l": ("std::int32_t", "long"), "L": ("std::uint32_t", "std::size_t")}[code][form.native]
    else:
        name = TYPES[code]
    return f"{name}({integer_literal(got)})"


def results(form, data):
    return ", ".join(result(form, item[0], got) for item, got in zip(form.items, struct.unpack(form.text, data)))


def arguments(form, values):
    return ", ".join(argument(item[0], given) for item, given in zip(form.items, values))


def value_lines(rng, form):
    for _ in range(VALUE_SETS if form.items else 1):
        values = [value(rng, form, item) for item in form.items]
        data = struct.pack(form.text, *values)
        yield f'  packed("{data.hex()}", S::pack({arguments(form, values)}));'
        yield f'  same(S::unpack(from_hex("{data.hex()}")), S::Values({results(form, data)}));'


def readable(form, data):
    """NaNs, which equal nothing, are tested elsewhere."""
    return not any(isinstance(got, float) and math.isnan(got) for got in struct.unpack(form.text, data))


def noise_lines(rng, form):
    data = rng.randbytes(form.size)
    while not readable(form, data):
        data = rng.randbytes(form.size)
    yield f'  same(S::unpack_from(from_hex("ee{data.hex()}ee"), 1), S::Values({results(form, data)}));'


def refused(form, values):
    try:
        struct.pack(form.text, *values)
    except (struct.error, OverflowError):
        return True
    return False


def error_lines(rng, form):
    message = f"unpack requires a buffer of {form.size} bytes"
    for size in {form.size + 1, max(form.size - 1, 0)} - {form.size}:
        yield f'  REFUSED("{message}", S::unpack(std::string({size}, \'x\')));'
    bad = [(at, wrong) for at, item in enumerate(form.items) for wrong in bad_values(form, item[0])]
    for at, (wrong, message) in rng.sample(bad, min(len(bad), 3)):
        values = [value(rng, form, item) for item in form.items]
        values[at] = wrong
        # A native f becomes an infinity in Python; here it is refused as the others are.
        if not refused(form, values) and not (form.native and form.items[at][0] == "f") and form.items[at][0] != "P":
            sys.exit(f"Python packs {values} as {form.text!r}")
        yield f'  REFUSED("{message}", S::pack({arguments(form, values)}));'


def escaped(form):
    return form.text.replace("\n", "\\n").replace("\t", "\\t")


def function(number, form, lines):
    head = [f"void format_{number}() {{", f'  using S = Struct<"{escaped(form)}">;',
            f'  INFO("format {escaped(form)}");'.replace("\\", "\\\\"),
            f"  static_assert(S::size == {form.size});"]
    return "\n".join(head + lines + ["}", ""])


def write_file(path, part, tests, cases):
    calls = "\n".join(f"  format_{number}();" for number, _ in tests)
    with open(path, "w", encoding="ascii") as out:
        out.write('#include "struct_vectors.hpp"\n\nnamespace {\n\n')
        out.write("\n".join(code for _, code in tests))
        out.write(f'\n}}  // namespace\n\nTEST_CASE("Struct agrees with Python, part {part}: {cases} cases") {{\n')
        out.write(calls + "\n}\n")


def main():
    rng = random.Random(SEED)
    parts = [[] for _ in sys.argv[1:]]
    counts = [0] * len(parts)
    for number, form in enumerate(formats(rng)):
        lines = [*value_lines(rng, form), *noise_lines(rng, form), *error_lines(rng, form)]
        parts[number % len(parts)].append((number, function(number, form, lines)))
        counts[number % len(parts)] += len(lines)
    for part, path in enumerate(sys.argv[1:]):
        write_file(path, part + 1, parts[part], counts[part])
    print(f"{sum(map(len, parts))} formats, {sum(counts)} cases")


if __name__ == "__main__":
    main()
