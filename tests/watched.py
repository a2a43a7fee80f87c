"""A page of the browser that is cut off from the network and watched."""

import re

from playwright.sync_api import ConsoleMessage, Page, Route

LOCAL = ("file://", "data:", "blob:")
SLOW = re.compile(r"Plugin \S+ .*(took [\d.]+ms|is taking too long) to activate")  # JupyterLab's, of a busy machine


class Watched:
    """A page with the network cut, and what it asked for and complained of."""

    def __init__(self, page: Page, allowed: tuple[str, ...] = LOCAL) -> None:
        self.page, self.allowed = page, allowed
        self.outside: list[str] = []
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append("dialog"), dialog.dismiss()))
        page.route("**/*", self._route)

    @property
    def noise(self) -> list[str]:
        """All that it asked for and complained of."""
        return [*self.outside, *self.complaints]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not SLOW.match(message.text):
            self.complaints.append(message.text)

    def _route(self, route: Route) -> None:
        address = route.request.url
        if address.startswith(self.allowed):
            route.continue_()
        else:
            self.outside.append(address)
            route.abort()
