"""Puts a run's table and picture into docs/."""

import re
import shutil

START, END = "<!-- results -->", "<!-- /results -->"


def renewed(page, table):
    """@returns the page with the table between its markers. @raises ValueError when it has none."""
    if START not in page or END not in page:
        raise ValueError(f"the page has no {START} and {END}")
    return re.sub(f"{START}.*?{END}", lambda _: f"{START}\n{table}{END}", page, flags=re.DOTALL)


def publish(root, folder):
    page = root / "docs" / "performance.md"
    page.write_text(renewed(page.read_text(), (folder / "results.md").read_text()))
    for kind in ("png", "svg"):
        if (folder / f"results.{kind}").exists():
            shutil.copyfile(folder / f"results.{kind}", root / "docs" / f"performance.{kind}")
