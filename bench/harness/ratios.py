"""Medians of ratios taken pair by pair, so that what changes from round to round falls on both sides."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Spread:
    median: float
    least: float
    most: float
    rounds: int


def spread(values):
    """@returns median, least and most; None if there are no values."""
    values = list(values)
    return Spread(statistics.median(values), min(values), max(values), len(values)) if values else None


class Results:
    """What was measured, by round, load and server."""

    def __init__(self):
        self.rows = []  # {"round", "load", "server", and the load generator's figures}

    def add(self, round_number, load, server, figures):
        self.rows.append({"round": round_number, "load": load, "server": server, **figures})

    def values(self, load, server, metric):
        """@returns the metric by round."""
        return {row["round"]: row[metric] for row in self.rows
                if row["load"] == load and row["server"] == server and metric in row}

    def spread(self, load, server, metric):
        return spread(self.values(load, server, metric).values())

    def ratio(self, metric, over, under):
        """@param over, under  (load, server) each. @returns the spread of over/under, from rounds that have both."""
        upper, lower = self.values(*over, metric), self.values(*under, metric)
        return spread(upper[key] / lower[key] for key in upper if lower.get(key))
