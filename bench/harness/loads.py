"""The loads: what the clients do, and which servers can take part."""

import dataclasses

LINE = 32
BIG_LINE = 65536


@dataclasses.dataclass(frozen=True)
class Load:
    name: str
    title: str
    mode: str
    connections: int
    depth: int = 1
    line_bytes: int = LINE
    slow: int = 0
    seconds: float | None = None  # in place of the run's own duration

    @property
    def buffer(self):
        """The read buffer that every server gets: what its users would leave it at, or a whole line."""
        return max(4096, self.line_bytes)

    @property
    def clients(self):
        return self.connections + self.slow

    def arguments(self, duration, warm_up):
        """The load generator's command line."""
        return [self.mode, f"--connections={self.connections}", f"--depth={self.depth}",
                f"--line-bytes={self.line_bytes}", f"--slow-connections={self.slow}",
                f"--duration={self.seconds or duration}", f"--warm-up={warm_up}"]


LOADS = (
    Load("1", "1 connection, 1 line in flight", "steady", 1),
    Load("64", "64 connections, 1 line in flight each", "steady", 64),
    Load("1000", "1000 connections, 1 line in flight each", "steady", 1000),
    Load("10000", "10,000 connections, 1 line in flight each", "steady", 10000),
    Load("pipelined", "64 connections, 16 lines in flight each", "steady", 64, depth=16),
    Load("64k", "64 KiB lines, 16 connections, 1 in flight each", "steady", 16, line_bytes=BIG_LINE),
    Load("churn", "connect, one line, close; 16 at a time", "churn", 16),
    Load("good", "50 connections, alone", "steady", 50),
    Load("slow", "50 connections together with 1000 slow ones", "steady", 50, slow=1000),
    Load("idle", "10,000 idle connections after one line each", "idle", 10000, seconds=0.5),
    Load("hold", "15,000 connections held", "idle", 15000, seconds=0.5),
)


def by_names(names):
    """@returns the loads of those names, in their usual order. @raises ValueError for an unknown one."""
    unknown = set(names) - {load.name for load in LOADS}
    if unknown:
        raise ValueError(f"no such load: {', '.join(sorted(unknown))}; there are {', '.join(l.name for l in LOADS)}")
    return [load for load in LOADS if load.name in names]
