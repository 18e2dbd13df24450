"""Every text can be read against what it stands on, in light and in dark: a contrast of 4.5 or more (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re

import pytest

from k8snet_course.show.svg import service_style, style, tunnel_style

# Text colour -> what it stands on.  Jupyter's own page and text colours are the defaults in var(--jp-..., default).
PAIRS = [
    *(("ink", ground) for ground in ("page", "pod", "bridge", "routing", "node", "host", "tunnel")),
    *(("soft", ground) for ground in ("page", "pod", "bridge", "routing", "node", "tunnel")),
    ("on", "good"), ("on", "bad"), ("on", "there"),
    *(("bad", ground) for ground in ("page", "node", "routing")),
    ("good", "page"), ("good", "bridge"), ("there", "page"), ("bad", "pod"), ("page", "ink"),
]
# Lines and marks need 3 (WCAG 2.2, 1.4.11).
MARKS = [
    *(("there", ground) for ground in ("routing", "page", "node")),
    *(("back", ground) for ground in ("page", "node", "bridge")),
    ("line", "page"), ("line", "node"), ("ink", "node"), ("ink", "pod"), ("host-line", "host"),
    ("pod-line", "node"), ("bridge-line", "node"), ("routing-line", "node"),
    ("host-line", "page"), ("tunnel-line", "node"), ("tunnel-line", "page"), ("ink", "tunnel"),
    *((way, "tunnel") for way in ("there", "back")),
]


def palettes() -> dict[str, dict[str, str]]:
    pattern = r"(?:^|\n)([^\n{]*(?:\{[^\n{]*)?\.k8snet)\{(--[^}]*)\}"
    sheets = [re.findall(pattern, css) for css in (style(), tunnel_style())]
    assert [len(blocks) for blocks in sheets] == [4, 4]
    light, dark, light_jp, dark_jp = (
        dict(re.findall(r"--([\w-]+):([^;}]+)", one + ";" + other)) for (_, one), (_, other) in zip(*sheets, strict=True))
    return {"light": light, "dark": dark, "light in Jupyter": light | light_jp, "dark in Jupyter": dark | dark_jp}


def colour(text: str, name: str) -> tuple[float, float, float]:
    digits = text.rstrip(")").rpartition("#")[2]
    assert re.fullmatch(r"[0-9a-f]{3}|[0-9a-f]{6}", digits), f"{name}: {text}"
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = (int(digits[at:at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def luminance(rgb: tuple[float, float, float]) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str, palette: dict[str, str]) -> float:
    light, dark = sorted((luminance(colour(palette[name], name)) for name in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_what_later_chapters_add_uses_these_colours_and_no_others() -> None:
    used = set(re.findall(r"(?:fill|stroke):([^;}]+)", service_style()))
    known = ("pod", "pod-line", "host", "host-line", "page", "ink", "line", "bad", "good")
    assert used == {"none", *(f"var(--{name})" for name in known)}


@pytest.mark.parametrize("theme", ["light", "dark", "light in Jupyter", "dark in Jupyter"])
@pytest.mark.parametrize(("pair", "least"), [*((pair, 4.5) for pair in PAIRS), *((pair, 3.0) for pair in MARKS)])
def test_it_can_be_read(theme: str, pair: tuple[str, str], least: float) -> None:
    assert contrast(*pair, palettes()[theme]) >= least


def test_jupyter_s_theme_wins_over_the_system_s() -> None:
    found = palettes()
    for theme in ("light", "dark"):
        own = {name: value for name, value in found[theme].items() if not value.startswith("var(")}
        jupyter = {name: found[f"{theme} in Jupyter"][name] for name in own}
        assert own == jupyter
