"""A market with a past.

Between the page and its server the answer to a join is given trades, at times of the test's choice.
"""

from __future__ import annotations

import json
import time
from typing import Any

from attrs import define
from playwright.sync_api import Page, WebSocketRoute

STEP_S = 15
"""As long as a candle of a game without rounds is."""

BARS = """(plot) => {
  const canvas = plot.querySelector("canvas");
  const { width, height } = canvas;
  const strip = Object.assign(document.createElement("canvas"), { width, height: 1 });
  const context = strip.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 2 - height);
  const row = context.getImageData(0, 0, width, 1).data;
  const bars = [];
  let begun = null;
  for (let x = 0; x <= width; x++) {
    const [red, green, blue, alpha] = row.slice(4 * x, 4 * x + 4);
    const tinted = x < width && alpha > 40 && Math.max(red, green, blue) - Math.min(red, green, blue) > 22;
    if (tinted) begun ??= x;
    else if (begun !== null) {
      bars.push([begun / devicePixelRatio, (x - begun) / devicePixelRatio]);
      begun = null;
    }
  }
  return { bars, width: width / devicePixelRatio };
}"""
"""Where the volumes stand at the foot of the chart: ``[left, width]`` of each on the canvas, in CSS pixels."""


@define(slots=False)  # Playwright writes to who listens
class Past:
    """``trades`` of each good, one in every candle, the last at ``ended`` (s since 1970, None: just now)."""

    trades: int
    ended: float | None = None
    ago_ms: int = 0
    """So long ago is all that comes, also what happens now. A test may let time jump by it."""

    def of(self, page: Page) -> Past:
        """Before the page is loaded."""
        page.route_web_socket("**/ws", self._between)
        return self

    def _between(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        if self.ended is not None and not self.ago_ms:
            self.ago_ms = round((time.time() - self.ended) * 1_000)

        def tell(message: str | bytes) -> None:
            data: dict[str, Any] = json.loads(message)
            now = round(time.time() * 1_000) - self.ago_ms
            state = data.get("ok", {}).get("state")
            if state is not None:
                for fields in state["goods"].values():
                    fields["recent"] = [
                        [now - back * STEP_S * 1_000, 100 + back % 7, 1 + back % 5]
                        for back in range(self.trades - 1, -1, -1)
                    ]
            if data.get("push") == "events":
                data["at"] -= self.ago_ms
            socket.send(json.dumps(data))

        server.on_message(tell)


@define
class Bars:
    """The candles that are in sight, by the volumes at their feet."""

    left: list[float]
    wide: list[float]
    room: float

    @classmethod
    def of(cls, page: Page) -> Bars:
        found = page.locator(".plot").evaluate(BARS)
        return cls([left for left, _ in found["bars"]], [wide for _, wide in found["bars"]], found["width"])

    def fault(self, trades: int) -> str | None:
        """What is wrong with them, where there are so many candles in all; None: they are as they should be."""
        if min(self.wide[1:], default=0) < 5:  # the first may be half out of sight
            return f"squeezed: {self}"
        fits = min(trades, int(self.room / 9) - 7)  # 9 pixels each, and some room ahead
        if len(self.wide) < fits:
            return f"only {len(self.wide)} of {fits} that fit: {self}"
        if self.room - (self.left[-1] + self.wide[-1]) < 9:
            return f"no room ahead: {self}"
        if trades * 9 < self.room - 60 and self.left[0] > 40:
            return f"it does not begin at the left: {self}"
        return None
