"""What the README shows is what the model says."""

from __future__ import annotations

import re
from pathlib import Path

from k8snet_course.show.compare import compare
from k8snet_course.show.shop import CONNECTIONS, walks

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_pod_networks_is_computed() -> None:
    assert compare().markdown().strip() in README


def test_the_tables_of_the_shop_are_computed() -> None:
    every = walks()
    assert every.folded().markdown() in README
    assert every.choices().markdown() in README
    assert f"{CONNECTIONS} times" in README


def test_the_two_commands_come_first() -> None:
    commands = re.findall(r"^python3 -m k8snet_course \w+", README, re.MULTILINE)
    assert commands == ["python3 -m k8snet_course lab", "python3 -m k8snet_course test"]
    assert README.index(commands[0]) < README.index("\n## ")


def test_the_example_says_what_its_comments_say(capsys: object) -> None:
    code = README.partition("```python\n")[2].partition("```")[0]
    exec(compile(code, "README.md", "exec"), {})
    said = [line.partition("# ")[2] for line in code.splitlines() if "#" in line]
    shown = capsys.readouterr().out  # type: ignore[attr-defined]
    assert shown.splitlines()[0] == said[0]
    assert "default via 192.168.1.1 dev eth0" in shown


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target
