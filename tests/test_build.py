"""The build: the same bytes each time, nothing stale, nothing overwritten that somebody has worked in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from k8snet_course import build
from k8snet_course.authoring.execute import WIDGET_VIEW, clean
from k8snet_course.authoring.expand import BuildError, Product, expand, products
from k8snet_course.authoring.quality import faults

CHAPTER = '''\
# %% [markdown]
# # One title

# %%
print("one")
print("two")

# %% tags=["nbval-ignore-output"]
from k8snet_course import Cluster
Cluster().nodes

# %%
print("one")
print("two")
'''

EXERCISES = '''\
# %% [markdown]
# # Exercises

# %%
from k8snet_course.exercises import check, task

# %% exercise="next_pod_address"
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small course."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "01_single_node.py").write_text(CHAPTER)
    (tmp_path / "chapters" / "01_single_node_exercises.py").write_text(EXERCISES)
    (tmp_path / "k8snet_course").symlink_to(Path(build.__file__).parent)
    return tmp_path


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.glob("*/*.ipynb"))}


def test_build_and_build_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main([], root) == 0
    first = files(root)
    assert list(first) == [f"{room}/01_single_node.ipynb" for room in ("exercises", "notebooks", "solutions")]
    assert capsys.readouterr().out.count("written") == 3
    assert build.main(["--check"], root) == 0
    assert build.main([], root) == 0
    assert files(root) == first, "building again changes no byte"
    assert capsys.readouterr().out.count("unchanged") == 3
    assert not list(root.glob("*/*.new"))

    notebook = read(root / "notebooks" / "01_single_node.ipynb")
    assert [output.text for output in notebook.cells[1].outputs] == ["one\ntwo\n"]
    assert notebook.cells[3].id == notebook.cells[1].id + "-1"
    assert notebook.metadata.language_info.get("version") is None
    assert not re.search(rb"\d{4}-\d\d-\d\dT|execution\":", first["notebooks/01_single_node.ipynb"])

    exercises, solutions = read(root / "exercises/01_single_node.ipynb"), read(root / "solutions/01_single_node.ipynb")
    assert [cell.id.rpartition("-")[2] for cell in exercises.cells[2:]] == ["statement", "task", "answer", "check"]
    assert exercises.cells[-1].outputs == solutions.cells[-1].outputs
    assert exercises.cells[-1].outputs[0].data["text/plain"].startswith("next_pod_address: correct.")
    assert exercises.cells[-2].source.endswith("address = ...")
    assert "task(" in solutions.cells[-2].source

    _what_is_stale_and_what_is_kept(root, capsys)


def _what_is_stale_and_what_is_kept(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = root / "exercises" / "01_single_node.ipynb"
    worked_in = read(mine)
    worked_in.cells[-2].source = 'address = "10.244.0.9"'
    nbformat.write(worked_in, mine)
    kept = mine.read_bytes()
    assert build.main(["--check", "01_single_node_exercises"], root) == 1
    assert "exercises/01_single_node.ipynb: stale" in capsys.readouterr().out
    assert build.main(["01_single_node_exercises"], root) == 1
    assert "somebody has worked in it" in capsys.readouterr().out
    assert mine.read_bytes() == kept
    assert build.main(["--force", "chapters/01_single_node_exercises.py"], root) == 0
    assert build.main(["--check"], root) == 0

    (root / "chapters" / "01_single_node.py").write_text(CHAPTER.replace("two", "three"))
    capsys.readouterr()
    assert build.main(["--check"], root) == 1
    name = "notebooks/01_single_node.ipynb"
    assert capsys.readouterr().out == f"{name}: stale; run `python3 -m k8snet_course build 01_single_node`\n"
    (root / name).unlink()
    assert build.stale_products(root / "chapters" / "01_single_node.py", root) == [f"{name}: missing"]


def test_a_source_that_breaks_a_rule_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = root / "chapters" / "01_single_node.py"
    source.write_text(CHAPTER + "\n# %%\nobject()\n\n# %%\n1 / 0\n\n# %%\nimport sys\n_ = sys.stderr.write('careful')\n"
                      + "\n# %% tags=['raises-exception']\n1 / 0\n")
    assert build.main(["01_single_node"], root) == 1
    told = capsys.readouterr().out
    assert "its text/plain has a memory address" in told
    assert "raises ZeroDivisionError: division by zero" in told
    assert told.count("ZeroDivisionError") == 1, "a cell that is tagged may raise"
    assert "writes to stderr: careful" in told
    assert files(root) == {}


def test_a_reference_that_is_wrong_stops_the_build(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = root / "chapters" / "01_single_node_exercises.py"
    source.write_text(EXERCISES + '\n# %%\n_ = 0\n')
    real = build.expand

    def spoilt(product: Product) -> Any:
        notebook = real(product)
        for cell in notebook.cells:
            if cell.id.endswith("-answer"):
                cell.source = 'address = "10.0.0.1"'
        return notebook

    monkeypatch.setattr(build, "expand", spoilt)
    with pytest.raises(BuildError, match="next_pod_address-check: the reference answer is not correct"):
        build.build_source(source, root)
    assert files(root) == {}


@pytest.mark.parametrize(("line", "message"), [
    ('# %% exercise="next_pod_adress"', "there is no exercise 'next_pod_adress'; did you mean 'next_pod_address'?"),
])
def test_an_exercise_that_is_not_there(root: Path, line: str, message: str) -> None:
    source = root / "chapters" / "01_single_node_exercises.py"
    source.write_text(f"{EXERCISES}\n{line}\n")
    with pytest.raises(BuildError, match=re.escape(message)):
        expand(products(source)[0])


def test_an_exercise_of_another_chapter(root: Path) -> None:
    source = root / "chapters" / "02_other_exercises.py"
    source.write_text(EXERCISES)
    with pytest.raises(BuildError, match=r"belongs to 01_single_node_exercises\.py"):
        expand(products(source)[0])


def test_an_unknown_chapter(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["99_nothing"], root) == 2
    assert "no source chapters/99_nothing.py; there are: 01_single_node" in capsys.readouterr().err
    assert build.main(["--no-such-option"], root) == 2


# -- the rules of quality ----------------------------------------------------------------------------------------------


def notebook_with(*outputs: Any, markdown: str = "", tags: tuple[str, ...] = ()) -> Any:
    v4: Any = nbformat.v4
    cells = [v4.new_markdown_cell(f"# Title\n\n{markdown}", id="a"),
             v4.new_code_cell("x", id="b", execution_count=1, outputs=list(outputs), metadata={"tags": list(tags)})]
    return v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def data(**kinds: str) -> Any:
    v4: Any = nbformat.v4
    named = {kind.replace("__", "+").replace("_", "/", 1): value for kind, value in kinds.items()}
    return v4.new_output("display_data", data={"text/plain": "a picture"} | named)


def judged(notebook: Any, root: Path) -> list[str]:
    return faults(notebook, Product("notebooks", "x", root / "x.py"), root)


def test_a_sound_notebook(tmp_path: Path) -> None:
    sound = notebook_with(data(image_svg__xml="<svg role='img'><title>Two pods</title></svg>"),
                          data(text_html="<img src='x' alt='Two pods'>"),
                          data(text_html="<svg aria-hidden=\"true\"><g/></svg>"),
                          markdown="![Two pods](a.svg)\n\n```\n# no title\n```")
    assert judged(sound, tmp_path) == []


@pytest.mark.parametrize(("outputs", "markdown", "wanted"), [
    ([data(image_svg__xml="<svg role='img'></svg>")], "", "an SVG picture without a title"),
    ([data(text_html="<p><svg><g/></svg></p>")], "", "an SVG picture without a title"),
    ([data(text_html="<img src='x'>")], "", "a picture without an alternative text"),
    ([data(text_html="<img src='x' alt=''>")], "", "a picture without an alternative text"),
    ([data(image_png="iVBORw0KGgo=")], "", "a picture (image/png) without an alternative text"),
    ([data(text_plain="<Thing at 0x7f3a5c1b2d90>")], "", "a memory address"),
    ([data(text_plain="/home/ada/k8snet/x.py")], "", "a path of this machine"),
    ([data(text_plain="2f1a6a3c-1111-2222-3333-0123456789ab")], "", "a random id"),
    ([data(text_plain=" ")], "", "without text"),
    ([], "![](a.svg)", "a picture without an alternative text"),
    ([], "\n# Again", "2 first-level headings"),
])
def test_a_fault_is_found(tmp_path: Path, outputs: list[Any], markdown: str, wanted: str) -> None:
    found = judged(notebook_with(*outputs, markdown=markdown), tmp_path)
    assert len(found) == 1
    assert wanted in found[0]
    assert found[0].startswith("notebooks/x.ipynb: ")


def test_a_notebook_out_of_order_or_of_another_form(tmp_path: Path) -> None:
    notebook = notebook_with()
    notebook.cells[1].execution_count = 4
    notebook.metadata.kernelspec.name = "julia"
    notebook.cells[1].id = "a"
    told = "\n".join(judged(notebook, tmp_path))
    assert "not run once from top to bottom" in told
    assert "its kernel is not python3" in told
    assert "two cells with the id a" in told


def test_cleaning_keeps_a_widgets_text_and_drops_its_model() -> None:
    v4: Any = nbformat.v4
    widget = data(**{"text_plain": "the walk", WIDGET_VIEW.replace("/", "_", 1).replace("+", "__"): "x"})
    widget.data[WIDGET_VIEW] = {"model_id": "1"}
    streams = [v4.new_output("stream", name="stdout", text=text) for text in ("a", "b")]
    notebook = notebook_with(widget, *streams)
    notebook.metadata["widgets"] = {}
    notebook.cells[1].metadata["execution"] = {"iopub.status.busy": "2026-01-01"}
    clean(notebook)
    assert notebook.cells[1].outputs[0].data == {"text/plain": "the walk"}
    assert [output.text for output in notebook.cells[1].outputs[1:]] == ["ab"]
    assert "widgets" not in notebook.metadata
    assert "execution" not in notebook.cells[1].metadata
