"""What the Studio page says and does, for its tests: read as a person would, from what the components are sent."""

import json

from streamlit.testing.v1 import AppTest


def submit(page: AppTest, prompt: str = "a red house") -> AppTest:
    page.text_area(key="config.prompt").set_value(prompt)
    return page.button(key="generate").click().run()


def sent(page: AppTest, component: str) -> dict:
    """What the page sends to one of its components."""
    (found,) = [c for c in page.get("bidi_component") if c.proto.component_name == f"jimeng_{component}"]
    return json.loads(found.proto.json)


def looked_at(page: AppTest) -> list[dict]:
    """The owner's jobs as the frame has them."""
    return sent(page, "frame")["look"]["jobs"]


def texts(page: AppTest) -> str:
    """All that can be read in the page and in the line under the prompt."""
    status = sent(page, "status")
    live = [] if status["refused"] else [status["look"]["problem"]]
    return "\n".join([*(text.value for text in page.text), *live, status["look"]["status"]])
