"""A real browser for tests of pages: Chromium, driven by Playwright, over a local server.

`conftest` hands its fixtures to all modules: Playwright can be started once in a process.
"""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012
        "": "application/octet-stream", ".html": "text/html; charset=utf-8", ".css": "text/css",
        ".js": "text/javascript", ".wasm": "application/wasm", ".svg": "image/svg+xml",
        ".webp": "image/webp", ".png": "image/png", ".json": "application/json",
    }  # fmt: skip

    def log_message(self, *_):
        pass


def serve(folder: Path) -> tuple[str, http.server.ThreadingHTTPServer]:
    """A local server of a folder: its address, and itself to be shut down."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", server


@pytest.fixture(scope="session")
def browser():
    """Chromium, or a loud skip."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="NO BROWSER TEST: no playwright")
    if CHROMIUM is None:
        pytest.skip("NO BROWSER TEST RUNS HERE: install Chromium (apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        arguments = [
            "--no-sandbox",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
        ]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


class Visits:
    """Pages of a test, and what was wrong on them: foreign or failed requests, errors."""

    def __init__(self, browser):
        self.browser, self.contexts, self.faults = browser, [], []

    def __call__(self, address: str, **options):
        """A page; its `asked` lists what it asked for. Options are those of a browser context."""
        context = self.browser.new_context(**options)
        self.contexts.append(context)
        page, host, faults = context.new_page(), "/".join(address.split("/")[:3]), self.faults
        page.asked = []

        def asked(request):
            page.asked.append(request.url)
            if not request.url.startswith((host, "data:", "blob:")):
                faults.append(f"asked {request.url}")

        page.on("request", asked)
        page.on(  # "csp": a page without scripts asks for none
            "requestfailed",
            lambda r: r.failure != "csp" and faults.append(f"failed {r.url}: {r.failure}"),
        )
        page.on("response", lambda r: r.status >= 400 and faults.append(f"{r.status} {r.url}"))
        page.on("pageerror", lambda error: faults.append(f"error {error}"))
        page.on("console", lambda m: m.type == "error" and faults.append(f"console {m.text}"))
        page.goto(address)
        return page

    def close(self):
        for context in self.contexts:
            context.close()


@pytest.fixture
def visit(browser):
    """`visit(address, **options)`: a page. At the end of the test nothing was wrong on any."""
    visits = Visits(browser)
    yield visits
    visits.close()
    assert not visits.faults, str(visits.faults)


@pytest.fixture(scope="module")
def visits(browser):
    """As `visit`, for pages that several tests share."""
    shared = Visits(browser)
    yield shared
    shared.close()
    assert not shared.faults, str(shared.faults)
