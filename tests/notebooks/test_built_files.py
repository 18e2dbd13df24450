"""What is committed in notebooks/, exercises/ and solutions/ is fresh, sound, and gives the same again under nbval."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from k8snet_course import build
from k8snet_course.authoring.expand import Product, products
from k8snet_course.authoring.quality import faults
from tests.notebooks.nbval import ROOT, run_nbval

SOURCES = build.find_sources(ROOT)
PRODUCTS = [product for source in SOURCES for product in products(source)]
each_product = pytest.mark.parametrize("product", PRODUCTS, ids=lambda one: one.path.as_posix())


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_nothing_is_stale(source: Path) -> None:
    assert build.stale_products(source, ROOT) == []


@each_product
def test_every_notebook_is_sound(product: Product) -> None:
    assert faults(nbformat.read(ROOT / product.path, as_version=4), product, ROOT) == []


def test_there_is_no_notebook_without_a_source() -> None:
    rooms = [ROOT / room for room in ("notebooks", "exercises", "solutions")]
    built = {path.relative_to(ROOT) for room in rooms for path in room.glob("*.ipynb")}
    assert built == {product.path for product in PRODUCTS}


def test_notebooks_and_solutions_give_the_same_again(tmp_path: Path) -> None:
    """Strict nbval: every cell is run, and every output compared."""
    paths = [ROOT / product.path for product in PRODUCTS if product.room != "exercises"]
    assert run_nbval(paths, tmp_path) == {}


def test_solutions_hold_for_every_learner(tmp_path: Path) -> None:
    paths = [ROOT / product.path for product in PRODUCTS if product.room == "solutions"]
    assert run_nbval(paths, tmp_path, K8SNET_LEARNER="Grace Hopper") == {}
