"""What a person does in JupyterLab, as a few methods: open a notebook, run it, look, change the theme, take a photograph."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

TOKEN = "only-for-the-tests"


class Lab:
    """One browser window on one JupyterLab."""

    def __init__(self, page: Page, url: str, screenshots: Path) -> None:
        self.page = page
        self.url = url
        self.screenshots = screenshots

    def open(self, path: str) -> None:
        """Open a notebook by its path, alone, as a link would (a fresh workspace, so that nothing else is open)."""
        workspace = path.replace("/", "-").removesuffix(".ipynb")
        self.page.goto(f"{self.url}/lab/workspaces/{workspace}/tree/{path}?token={TOKEN}&reset")
        self.page.locator(".jp-Notebook .jp-MarkdownOutput h1").first.wait_for()
        self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(state="attached")
        self._close_file_browser()

    def command(self, name: str, args: str = "{}") -> None:
        """Run one of JupyterLab's own commands, as its menu would."""
        self.page.evaluate(f"async () => {{ await window.jupyterapp.commands.execute({name!r}, {args}); }}")

    def run_all(self) -> None:
        """Run all cells, as the menu does, and wait until the kernel has begun each of them and has nothing left to do.

        The kernel's own messages are counted: just after the click nothing seems to be running yet.  A kernel that begins with
        difficulty, because the machine is busy or somebody else took its port, is begun anew by Jupyter, and what it was to
        run is forgotten: a person sees that nothing happens and clicks again.
        """
        for patience in (15, 30, 90):
            self._watch_the_kernel()
            self.page.get_by_role("menuitem", name="Run", exact=True).click()
            self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
            ended = self.page.wait_for_function("""(patience) => {
                const run = window.k8run, prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')];
                const idle = run.status !== 'busy', waiting = prompts.some((prompt) => prompt.textContent.includes('*'));
                if (idle && !waiting && (run.begun >= run.wanted || run.failed)) return 'all';
                if (!idle || run.begun !== run.before) { run.before = run.begun; run.since = performance.now(); }
                return performance.now() - run.since > patience * 1000 ? 'nothing more' : '';
            }""", arg=patience, timeout=180_000).json_value()
            if ended == "all":
                return
        raise AssertionError(f"not all cells have run: {self.page.evaluate('() => window.k8run')}")

    def _watch_the_kernel(self) -> None:
        """Count in the page what its kernel says from now on."""
        self.page.evaluate("""() => {
            const panel = window.jupyterapp.shell.currentWidget;
            const run = {begun: 0, before: -1, failed: false, status: '', wanted: panel.content.widgets.filter((cell) =>
                cell.model.type === 'code' && cell.model.sharedModel.getSource().trim() !== '').length};
            window.k8run = run;
            panel.sessionContext.iopubMessage.connect((_, {header, content}) => {
                if (header.msg_type === 'execute_input') run.begun += 1;
                if (header.msg_type === 'error') run.failed = true;
                if (header.msg_type === 'status') run.status = content.execution_state;
            });
        }""")
        assert self.page.evaluate("() => window.k8run.wanted") > 0

    def errors(self) -> list[str]:
        """The texts of all outputs that are errors or warnings."""
        marks = self.page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"], '
                                  '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]')
        return marks.all_inner_texts()

    def cell(self, text: str) -> Locator:
        """The cell whose source has this text, brought into view."""
        cell = self.page.locator(".jp-Notebook .jp-Cell").filter(has=self.page.locator(".jp-InputArea, .jp-MarkdownOutput")
                                                                 .filter(has_text=text)).first
        cell.scroll_into_view_if_needed()
        return cell

    def bring(self, source: str, shown: str) -> Locator:
        """A part of the output of the first cell whose source has a text, brought into view.

        A notebook draws only the cells near the window, so the cell is brought there first.
        """
        self.page.evaluate("""(text) => { const content = window.jupyterapp.shell.currentWidget.content;
            const index = content.widgets.findIndex((cell) => cell.model.sharedModel.getSource().includes(text));
            content.activeCellIndex = index;
            return content.scrollToItem(index); }""", source)
        part = self.page.locator(f".jp-OutputArea-output {shown}").first
        part.scroll_into_view_if_needed()
        return part

    def press(self, what: Locator, *keys: str) -> None:
        """Press keys on a part of the page, and see that it got each of them.

        While a notebook scrolls or settles, JupyterLab draws cells anew and takes the focus for itself: a key that is pressed
        just then reaches nobody.  A person presses it again, and so does this, but never a key that has arrived.
        """
        for key in keys:
            for _ in range(20):
                what.evaluate("""element => { window.k8arrived = false;
                    element.addEventListener('keydown', () => { window.k8arrived = true; }, {once: true, capture: true}); }""")
                what.focus()
                self.page.keyboard.press(key)
                if self.page.evaluate("() => window.k8arrived"):
                    break
                self.page.wait_for_timeout(250)
            else:
                raise AssertionError(f"{key} never reached {what}")

    def write(self, cell: Locator, text: str) -> None:
        """Type into a cell that has the focus, or is about to get it: a new cell takes a moment."""
        expect(cell.locator(".cm-content")).to_be_focused()
        self.page.keyboard.type(text)

    def theme(self, name: str) -> None:
        """Switch to "JupyterLab Dark" or "JupyterLab Light"."""
        self.command("apputils:change-theme", f"{{theme: {name!r}}}")
        dark = "Dark" in name
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", "false" if dark else "true")

    def photograph(self, name: str, what: Locator | None = None) -> Path:
        """A picture of the window, or of one part of it, in the folder of screenshots."""
        path = self.screenshots / f"{name}.png"
        (what or self.page).screenshot(path=path)
        return path

    def _close_file_browser(self) -> None:
        if self.page.locator("#jp-left-stack").is_visible():
            self.command("application:toggle-left-area")
