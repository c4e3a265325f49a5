"""What the page costs, and how soon it shows a picture in a real browser."""

from __future__ import annotations

import shutil
import statistics
import time
from contextlib import closing
from typing import Any

from benchmarks.http import Client, cpu_share, started, wait

WARM_UP_S = 5
"""After a start, before the processor's time is taken."""


def measure(bundle: tuple[object, ...], seconds: int, opens: int) -> dict[str, Any]:
    """Run the demo with and without its page, one after the other, twice each.

    Args:
        bundle: options that name it.
        seconds: that processor time is taken over.
        opens: how often a browser opens the page, each time without a cache.

    Returns:
        seconds until the first picture, and percents of one core.
    """
    demo = ("demo", *bundle, "--seconds", 4 * seconds + 120)
    seen: dict[str, Any] = {}
    unseen, alone = [], []
    for number in range(2):
        with started(r"The page is at (\S+)", *demo, "--page", 0) as (url, pid):
            time.sleep(WARM_UP_S)
            unseen.append(cpu_share(pid, seconds))
            if number == 0:
                seen = looked_at(url, pid, seconds, opens)
        # The demo without the page: its broker's line comes as the first, so it is under way a moment later.
        with started(r"(Captions come below)", *demo, "--no-page") as (_, pid):
            time.sleep(WARM_UP_S)
            alone.append(cpu_share(pid, seconds))
    return {
        **seen,
        "cpu_percent_unseen": unseen,
        "cpu_percent_without_page": alone,
        "page_unseen_cpu_percent": round(statistics.mean(unseen) - statistics.mean(alone), 2),
    }


def looked_at(url: str, pid: int, seconds: int, opens: int) -> dict[str, Any]:
    """Open the page in Chromium, where it and playwright are there; else follow its steps with a client."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        steps = ("/", "/page.js", "/page.css", "/api/cameras/camera/frame")
        with closing(Client(url)) as client:
            first = wait(lambda: all(client.ask("GET", step)[0] == 200 for step in steps))
        return {"browser": None, "first_picture_s": {"median": first, "worst": first, "opens": 1}}
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        firsts = []
        for _ in range(opens):
            page = browser.new_context().new_page()
            page.goto(url, wait_until="commit")
            page.locator(".picture.has").first.wait_for()
            firsts.append(round(page.evaluate("performance.now()") / 1000, 3))
            page.context.close()
        page = browser.new_page()
        page.goto(url)
        page.locator(".picture.has").first.wait_for()
        looked = cpu_share(pid, seconds)
        version = browser.version
        browser.close()
    return {
        "browser": f"Chromium {version}",
        "first_picture_s": {"median": statistics.median(firsts), "worst": max(firsts), "opens": opens},
        "cpu_percent_with_one_browser": looked,
    }
