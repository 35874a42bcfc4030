"""The picture: requests a second compared with the hand-written epoll server's, load by load, and the memory."""

from harness import report


def draw(results, loads, servers, stem):
    """Writes stem.png and stem.svg. @raises ImportError when there is no matplotlib."""
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "socketserver"  # the same picture is the same file
    from matplotlib import pyplot

    shown = [load for load in loads if load.name not in ("hold", "good")]
    columns = min(3, len(shown)) or 1
    lines = -(-len(shown) // columns) or 1
    figure, grid = pyplot.subplots(lines, columns, figsize=(4.6 * columns, 2.9 * lines), squeeze=False)
    for axes in grid.flat[len(shown):]:
        axes.set_visible(False)
    for axes, load in zip(grid.flat, shown):
        _panel(axes, results, load, servers)
    figure.tight_layout()
    for kind, more in (("png", {"dpi": 110}), ("svg", {"metadata": {"Date": None}})):
        figure.savefig(f"{stem}.{kind}", **more)
    pyplot.close(figure)


def _panel(axes, results, load, servers):
    memory = load.mode == "idle"
    metric = "rss_kib" if memory else "requests_per_second"
    bars = []
    for server in reversed(servers):
        plain = results.spread(load.name, server.name, metric)
        shown = plain if memory else results.ratio(metric, (load.name, server.name), (load.name, report.BASE))
        if plain and (shown := shown or plain):
            bars.append((server, shown, plain))
    for place, (server, shown, plain) in enumerate(bars):
        axes.barh(place, shown.median, color="#7fb0d8" if server.policy else "#b8b8b8",
                  xerr=[[shown.median - shown.least], [shown.most - shown.median]], error_kw={"ecolor": "#444444"})
        axes.annotate(report.number(plain.median), (0, place), xytext=(4, 0), textcoords="offset points", va="center",
                      fontsize=7)
    axes.set_yticks(range(len(bars)), [server.title for server, _, _ in bars], fontsize=8)
    axes.set_title(load.title, fontsize=9)
    axes.set_xlabel("KiB a connection" if memory else "requests/s, compared with hand-written epoll", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
