"""The magics in a JupyterLab: a person types a line, presses Tab, chooses, and runs it."""

from __future__ import annotations

import json

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.lab import TOKEN, Lab

pytestmark = pytest.mark.needs("chromium")

FIRST = "%load_ext k8snet_course\nfrom k8snet_course import Cluster\ncluster = Cluster(nodes=2)\ncluster.add_pod('web');"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
SAVE = "async book => { await window.jupyterapp.serviceManager.contents.save('kubectl.ipynb', book); }"


@pytest.fixture
def notebook(lab: Lab) -> Lab:
    """A notebook whose last cell is empty, in a kernel that has a cluster."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# kubectl"), nbformat.v4.new_code_cell(FIRST),
                                           nbformat.v4.new_code_cell("")],
                                    metadata={"kernelspec": KERNEL})
    lab.page.goto(f"{lab.url}/lab?token={TOKEN}&reset")
    lab.page.locator(".jp-Launcher").first.wait_for()
    lab.page.evaluate(SAVE, {"type": "notebook", "format": "json", "content": json.loads(nbformat.writes(book))})
    lab.open("kubectl.ipynb")
    lab.run_all()
    assert lab.errors() == []
    return lab


def test_tab_completes_and_the_output_is_kubectls(notebook: Lab) -> None:
    page = notebook.page
    cell = page.locator(".jp-Notebook .jp-CodeCell").last
    cell.locator(".cm-content").click()
    ready = cell.locator(".jp-mod-completer-enabled")  # only then Tab completes, and does not indent
    notebook.write(cell, "%kubectl get ")
    ready.wait_for(state="attached")
    page.keyboard.press("Tab")
    items = page.locator(".jp-Completer-item")
    expect(items.filter(has_text="endpointslices")).to_be_visible()
    notebook.photograph("kubectl-completion")
    page.keyboard.type("pod")  # JupyterLab itself leaves out what does not fit
    expect(items.filter(has_text="endpointslices")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(cell.locator(".cm-content")).to_have_text("%kubectl get pods")
    expect(page.locator(".jp-Completer-item:visible")).to_have_count(0)
    notebook.write(cell, " w")
    ready.wait_for(state="attached")
    page.keyboard.press("Tab")
    expect(items.filter(has_text="web")).to_be_visible()
    page.keyboard.press("Enter")
    expect(cell.locator(".cm-content")).to_have_text("%kubectl get pods web")
    expect(page.locator(".jp-Completer-item:visible")).to_have_count(0)
    notebook.write(cell, " -o wide")
    page.keyboard.press("Control+Enter")
    output = cell.locator(".jp-OutputArea-output")
    expect(output).to_contain_text("NOMINATED NODE")
    expect(output).to_contain_text("10.244.0.2")
    assert notebook.errors() == []
    notebook.photograph("kubectl-output")


def test_a_watched_table_follows_the_cluster(notebook: Lab) -> None:
    """One cell watches, the next ones change the cluster: the table above them changes, in each theme."""
    page = notebook.page
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    watching = cells.nth(1)
    table = watching.locator(".jp-OutputArea-output pre")
    cells.last.locator(".cm-content").click()
    notebook.write(cells.last, "%kubectl get pods -o wide --watch")
    page.keyboard.press("Shift+Enter")
    expect(table).to_contain_text("web    1/1     Running   0          0s    10.244.0.2   node-1")
    notebook.write(cells.nth(2), "cluster.wait(75); _ = cluster.add_pod('late')")
    page.keyboard.press("Shift+Enter")
    expect(table).to_contain_text("web    1/1     Running   0          75s")
    expect(table).to_contain_text("late   1/1     Running   0          0s    10.244.1.2   node-2")
    notebook.write(cells.nth(3), "%kubectl delete pod web")
    page.keyboard.press("Control+Enter")
    expect(table).not_to_contain_text("10.244.0.2")
    expect(table).to_contain_text("late")
    assert notebook.errors() == []
    notebook.photograph("kubectl-watch")
    notebook.theme("JupyterLab Dark")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    notebook.photograph("kubectl-watch-dark")
    notebook.theme("JupyterLab Light")
