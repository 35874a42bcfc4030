"""The tables, in Markdown, which also reads well on a terminal."""

from harness import acceptance

BASE = "epoll"
METRICS = (("requests_per_second", "requests/s"), ("cpu_us", "CPU µs a request"), ("p50_us", "p50 µs"),
           ("p99_us", "p99 µs"), ("p999_us", "p99.9 µs"))
MEMORY = (("rss_kib", "KiB a connection"), ("held", "held"))


def number(value):
    """@returns three digits or more: 0.123, 12.3, 1234."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def with_spread(found):
    return "" if found is None else f"{found.median:.2f} ({found.least:.2f}–{found.most:.2f})"


def _cell(results, load, server, metric):
    found = results.spread(load, server, metric)
    if found is None:
        return ""
    if metric in dict(MEMORY):
        return number(found.median)
    ratio = results.ratio(metric, (load, server), (load, BASE))
    return number(found.median) + (f" · {with_spread(ratio)}" if ratio else "")


def _table(header, rows):
    """@returns Markdown with the columns in line."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
    return "\n".join([line(header), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


def load_table(results, load, servers):
    metrics = MEMORY if load.mode == "idle" else METRICS
    rows = [[server.title, *(_cell(results, load.name, server.name, metric) for metric, _ in metrics)]
            for server in servers if results.spread(load.name, server.name, metrics[0][0])]
    return f"### {load.title}\n\n" + (_table(["server", *(title for _, title in metrics)], rows) if rows else "Nothing.")


def acceptance_table(results):
    rows = []
    for limit in acceptance.LIMITS:
        verdict, found = acceptance.judge(results, limit)
        rows.append([limit.load, limit.text(), with_spread(found), verdict])
    return _table(["load", "limit", "median (least–most)", "verdict"], rows)


def document(results, loads, servers, machine, notes):
    """@returns all of it. @param notes  what was skipped or went wrong, a sentence each"""
    parts = ["Each cell: the median, and after the dot the ratio to the hand-written epoll server, taken round by "
             "round: its median (least–most).",
             *(load_table(results, load, servers) for load in loads),
             "### Held to\n\n" + acceptance_table(results)]
    if notes:
        parts.append("### Left out\n\n" + "\n".join(f"- {note}" for note in notes))
    parts.append("### Where\n\n" + "\n".join(f"- {name}: {value}" for name, value in machine.items()))
    return "\n\n".join(parts) + "\n"
