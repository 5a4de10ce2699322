"""Lets the site be made of the same Markdown that a code host shows.

Pages link to what lies anywhere in the repository (``../examples/countdown_env.py``), and the first page is the README.
Here each such file becomes a part of the site, texts as pages and pictures as they are, and links lead to it.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import dirname, normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
# Pages of the site that lie outside of docs/, by their source.
ABOVE = {"index.md": "README.md", "changelog.md": "CHANGELOG.md"}
# What follows `](` of a link within the repository, without its anchor.
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
FENCE = re.compile(r"(?ms)^[ >]*```.*?^[ >]*```$")
LANGUAGES = {".py": "python", ".sh": "bash", ".slurm": "bash", ".yaml": "yaml", ".json": "json", ".jsonl": "json"}
# What the theme's plugin for sites without a network would load from one.
SHIM = "https://unpkg.com/iframe-worker/shim"
# More of a file than anybody reads on a page.
LONGEST = 100_000


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that lie outside of docs/, the README as the first one, and what pages link to there."""
    for source, target in ABOVE.items():
        files.append(File.generated(config, source, content=(ROOT / target).read_text("utf-8")))
    waiting = [file for file in files if file.is_documentation_page()]
    while waiting:
        file = waiting.pop()
        for target in targets(file):
            if site_path(target) not in files.src_uris and (ROOT / target).exists() and target != ".":
                found = add(target, config)
                files.append(found)
                waiting += [found] if (ROOT / target).is_dir() else []
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links to where the site has what they name."""
    here, repository = page.file.src_uri, repository_path(page.file.src_uri)

    def lead(match: re.Match[str]) -> str:
        return relpath(site_path(normpath(f"{dirname(repository)}/{match[1]}".lstrip("/"))), dirname(here) or ".")

    # A page is called by its first heading, if nothing stands before it.
    markdown = re.sub(r"\A<!--.*?-->\n", "", markdown)
    parts = FENCE.split(markdown)
    return "".join(
        text + fence
        for text, fence in zip((LINK.sub(lead, part) for part in parts), [*FENCE.findall(markdown), ""], strict=True)
    )


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Takes our own script for the search from a disk."""
    return output.replace(SHIM, relpath("theme/worker.js", dirname(page.file.dest_uri) or "."))


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The same on the page for addresses that there are not, which has no place of its own."""
    return output_content.replace(f'<script src="{SHIM}"></script>', "")


def targets(file: File) -> list[str]:
    """The files and folders of the repository, by their paths in it, that a page links to."""
    home = dirname(repository_path(file.src_uri))
    return [normpath(f"{home}/{target}".lstrip("/")) for target in LINK.findall(FENCE.sub("", file.content_string))]


def repository_path(src_uri: str) -> str:
    """Where in the repository the source of a page of the site lies; of a listed folder a name in it."""
    if src_uri in ABOVE:
        return ABOVE[src_uri]
    if src_uri.startswith("files/"):
        return src_uri.removeprefix("files/").removesuffix(".md")
    return f"docs/{src_uri}"


def site_path(target: str) -> str:
    """Where the site has a file or folder of the repository, by its source."""
    for source, page in ABOVE.items():
        if target == page:
            return source
    if target.startswith("docs/") and target != "docs/build.py":
        return target.removeprefix("docs/")
    path = ROOT / target
    if path.is_dir():
        return f"files/{target}/index.md"
    return f"files/{target}.md" if is_text(path) else f"files/{target}"


def is_text(path: Path) -> bool:
    """Whether a file is shown as a page."""
    return path.suffix not in (".png", ".svg", ".html") and path.stat().st_size <= LONGEST


def add(target: str, config: MkDocsConfig) -> File:
    """A part of the site for a file or folder of the repository."""
    path = ROOT / target
    if path.is_dir():
        names = sorted(one.name for one in path.iterdir() if one.is_file())
        content = f"# {target}\n\n" + "\n".join(f"- [{name}]({name})" for name in names)
        return File.generated(config, site_path(target), content=content)
    if not is_text(path):
        return File.generated(config, site_path(target), abs_src_path=str(path))
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return File.generated(config, site_path(target), content=text)
    language = LANGUAGES.get(PurePosixPath(target).suffix, "text")
    return File.generated(config, site_path(target), content=f"# {target}\n\n```{language}\n{text.rstrip()}\n```\n")
