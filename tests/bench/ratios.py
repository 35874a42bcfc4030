"""The benchmark's arithmetic: ratios are taken pair by pair, and verdicts follow from their median."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
sys.dont_write_bytecode = True

from harness import acceptance, loads, publish, ratios, report, run, servers  # noqa: E402: after the path


def results(*rows):
    """@param rows  (round, load, server, requests a second)"""
    made = ratios.Results()
    for number, load, server, rate in rows:
        made.add(number, load, server, {"requests_per_second": rate})
    return made


class RatioTest(unittest.TestCase):
    def test_a_ratio_is_taken_within_its_round(self):
        made = results((0, "64", "fiber", 90), (0, "64", "epoll", 100), (1, "64", "fiber", 220), (1, "64", "epoll", 200))
        found = made.ratio("requests_per_second", ("64", "fiber"), ("64", "epoll"))
        self.assertEqual((found.least, found.most, found.rounds), (0.9, 1.1, 2))
        self.assertAlmostEqual(found.median, 1.0)

    def test_a_round_that_lacks_one_of_the_two_does_not_count(self):
        made = results((0, "64", "fiber", 90), (1, "64", "fiber", 50), (1, "64", "epoll", 100))
        self.assertEqual(made.ratio("requests_per_second", ("64", "fiber"), ("64", "epoll")).rounds, 1)

    def test_no_common_round_is_no_ratio(self):
        self.assertIsNone(results().ratio("requests_per_second", ("64", "fiber"), ("64", "epoll")))
        self.assertIsNone(ratios.spread([]))


class TurnsTest(unittest.TestCase):
    def test_each_round_another_server_goes_first(self):
        order = [(number, server) for number, _, server in run.in_turns(2, ["64"], ["a", "b", "c"])]
        self.assertEqual(order, [(0, "a"), (0, "b"), (0, "c"), (1, "b"), (1, "c"), (1, "a")])


class AcceptanceTest(unittest.TestCase):
    LIMIT = acceptance.Limit("64", "fiber", "requests_per_second", 0.95, against=("64", "epoll"))

    def judged(self, rate):
        return acceptance.judge(results((0, "64", "fiber", rate), (0, "64", "epoll", 100)), self.LIMIT)[0]

    def test_the_limit_itself_holds(self):
        self.assertEqual([self.judged(95), self.judged(94)], ["pass", "fail"])

    def test_what_was_not_measured_has_not_passed(self):
        self.assertEqual(acceptance.judge(results(), self.LIMIT), ("not measured", None))

    def test_every_limit_names_a_load_and_servers_that_exist(self):
        for limit in acceptance.LIMITS:
            loads.by_names([limit.load])
            servers.by_names([limit.server])
            if limit.against:
                loads.by_names([limit.against[0]])
                servers.by_names([limit.against[1]])


class ReportTest(unittest.TestCase):
    def test_a_row_shows_the_median_and_the_ratio_with_its_spread(self):
        made = results((0, "64", "fiber", 90), (0, "64", "epoll", 100), (1, "64", "fiber", 220), (1, "64", "epoll", 200))
        table = report.load_table(made, loads.by_names(["64"])[0], servers.by_names(["fiber", "epoll"]))
        self.assertIn("155 · 1.00 (0.90–1.10)", table)

    def test_publishing_replaces_what_is_between_the_markers(self):
        page = f"before\n{publish.START}\nold\n{publish.END}\nafter\n"
        self.assertEqual(publish.renewed(page, "new\n"), f"before\n{publish.START}\nnew\n{publish.END}\nafter\n")
        with self.assertRaises(ValueError):
            publish.renewed("no markers", "new")


if __name__ == "__main__":
    unittest.main()
