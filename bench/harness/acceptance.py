"""What the framework is held to; each is the median of one run's ratios, or a plain figure."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limit:
    load: str
    server: str
    metric: str
    limit: float
    at_least: bool = True
    against: tuple[str, str] | None = None  # (load, server); None: the figure itself

    def text(self):
        what = {"requests_per_second": "requests/s", "p99_us": "p99", "rss_kib": "KiB a connection",
                "held": "connections held"}[self.metric]
        compared = ""
        if self.against:
            load, server = self.against
            compared = f" / {server}" if load == self.load else f" / the same, load `{load}`"
        return f"{self.server}{compared}: {what} {'>=' if self.at_least else '<='} {self.limit:g}"


def _faster(load, server, other, limit):
    return Limit(load, server, "requests_per_second", limit, against=(load, other))


LIMITS = (
    *(_faster(load, "fiber", "epoll", 0.95) for load in ("64", "1000")),
    *(_faster(load, "fiber", other, 1.0) for load in ("64", "1000") for other in ("asio", "libuv", "go")),
    _faster("pipelined", "fiber", "epoll", 0.90),
    _faster("64k", "fiber", "epoll", 0.95),
    _faster("churn", "fiber", "asio", 0.95),
    *(_faster(load, "thread", "poco", 1.0) for load in ("64", "1000")),
    Limit("idle", "fiber", "rss_kib", 8, at_least=False),
    Limit("hold", "fiber", "held", 15000),
    Limit("slow", "fiber", "p99_us", 1.5, at_least=False, against=("good", "fiber")),
)


def judge(results, limit):
    """@returns (verdict, spread): "pass", "fail", or "not measured" with None."""
    mine = (limit.load, limit.server)
    found = (results.ratio(limit.metric, mine, limit.against) if limit.against
             else results.spread(*mine, limit.metric))
    if found is None:
        return "not measured", None
    held = found.median >= limit.limit if limit.at_least else found.median <= limit.limit
    return ("pass" if held else "fail"), found
