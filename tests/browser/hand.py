"""A hand at the mouse: it drags as a person does, looking where what it holds would land before letting go."""

from playwright.sync_api import Locator, Page

LANDED = """
(target, low) => {
  const held = document.querySelector(".is-ghost");
  if (!held) return false;
  if (target.contains(held)) return true;
  if (!held.parentElement.contains(target)) return false;
  return low === Boolean(held.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_PRECEDING);
}
"""
STANDS = """
source => {
  if (document.querySelector(".is-ghost")) return false;
  for (let each = source; each; each = each.parentElement) if (each.animated) return false;  // by sortablejs: nothing takes it up that still glides
  return true;
}
"""


def drag(page: Page, source: Locator, target: Locator, low: bool = False) -> None:
    """Take ``source``, lead it over the upper part of ``target``, or its lower part, and let go once it lies before it, or behind it, or within."""
    page.wait_for_load_state("networkidle")  # what comes later moves what stands below it
    page.wait_for_function(STANDS, arg=source.element_handle())
    here = source.bounding_box()
    x, y = min(20, here["width"] / 2), here["height"] / 2
    source.hover(position={"x": x, "y": y})  # waits until it stands still
    here = source.bounding_box()
    page.mouse.down()
    page.mouse.move(here["x"] + x + 4, here["y"] + y + 6, steps=3)
    over = target.element_handle()
    for step in range(100):
        there = over.bounding_box()  # anew each time: what is held makes room where it was and takes it where it comes
        x, y = there["x"] + min(30, there["width"] / 2), there["y"] + there["height"] * (0.8 if low else 0.2)
        page.mouse.move(x + step % 2, y, steps=1 if step else 12)
        if page.evaluate(f"([target, low]) => ({LANDED})(target, low)", [over, low]):
            page.mouse.up()
            return
        page.wait_for_timeout(50)  # neighbours still make room
    page.mouse.up()
    raise AssertionError("What was dragged never came to lie where it was led.")
