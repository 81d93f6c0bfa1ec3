"""Builds the page that runs cnncalc in a browser: python playground/build.py [--out FOLDER] [--zip FILE].

Needs Node.js with npm, pip and their registries. What comes out is a folder of files for any web server, with nothing
in it that asks another host: Python (Pyodide), cnncalc with what it needs, the editor, the page.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
SCRIPTS = ("families", "link", "main", "python", "report", "search", "words", "worker")
PAGE = ("index.html", "style.css", *(f"{name}.js" for name in SCRIPTS))
REPORT = HERE.parent / "cnncalc" / "pages" / "browser" / "page"  # the scripts and the style of `cnncalc report`
NEEDED = ("click", "tabulate")  # pure Python; rich is for terminals; families and fields do without NumPy
STAMP = (1980, 1, 1, 0, 0, 0)  # the same files give the same archive


def run(*argv: str | Path) -> None:
    subprocess.run([str(word) for word in argv], check=True, cwd=HERE, stdout=subprocess.DEVNULL)


def python_files(work: Path) -> dict[str, bytes]:
    """Everything that Python imports in the page, by its path in site-packages."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "-q", "--no-deps", "-w", work, HERE.parent)
    run(*pip, "download", "-q", "--no-deps", "-d", work, *NEEDED)
    # PyYAML's wheels hold C for one machine; its Python half is in the source
    run(*pip, "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", work, "PyYAML")
    files = {"bridge.py": (HERE / "bridge.py").read_bytes()}
    for wheel in sorted(work.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            files |= {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    with tarfile.open(next(work.glob("[Pp]y[Yy][Aa][Mm][Ll]-*.tar.gz"))) as archive:
        for member in archive.getmembers():
            _root, slash, name = member.name.partition("/lib/")
            if slash and name.startswith("yaml/") and name.endswith(".py"):
                content = archive.extractfile(member)
                assert content is not None, name
                files[name] = content.read()
    return files


def write_archive(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, STAMP), files[name], zipfile.ZIP_DEFLATED)


def write_zip(path: Path, site: Path) -> None:
    """The built page as one file, in a folder of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files = {f"cnncalc-playground/{p.relative_to(site).as_posix()}": p for p in site.rglob("*") if p.is_file()}
    write_archive(path, {name: file.read_bytes() for name, file in files.items()})


def write_service_worker(out: Path) -> None:
    """The list of all files, under a version that changes when one of them does."""
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + (out / name).read_bytes())
    text = (HERE / "service-worker.js").read_text(encoding="utf-8")
    text = text.replace("@VERSION@", digest.hexdigest()[:12]).replace("@FILES@", json.dumps(["./", *names]))
    (out / "service-worker.js").write_text(text, encoding="utf-8")


def report_style() -> str:
    """The style of the report, from the checkout that this stands in, installed or not."""
    sys.path.insert(0, str(HERE.parent))
    from cnncalc.pages.browser.file import join_styles

    return join_styles()


def build(out: Path) -> None:
    run("npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error")
    fresh = Path(tempfile.mkdtemp(dir=out.parent, prefix=".playground-"))
    try:
        with tempfile.TemporaryDirectory() as work:
            write_archive(fresh / "python.zip", python_files(Path(work)))
        (fresh / "pyodide").mkdir()
        for name in PYODIDE:
            shutil.copyfile(HERE / "node_modules" / "pyodide" / name, fresh / "pyodide" / name)
        for name in PAGE:
            shutil.copyfile(HERE / name, fresh / name)
        (fresh / "report").mkdir()
        for path in REPORT.glob("*.js"):
            shutil.copyfile(path, fresh / "report" / path.name)
        (fresh / "report" / "page.css").write_text(report_style(), encoding="utf-8")
        bundle = f"--outfile={fresh / 'editor.bundle.js'}"
        run(HERE / "node_modules/.bin/esbuild", "editor.js", "--bundle", "--minify", "--format=esm", bundle)
        write_service_worker(fresh)
        fresh.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    total = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {total / 1e6:.1f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "site", help="the folder to write")
    parser.add_argument("--zip", type=Path, help="also write it as one file, which a release attaches")
    asked = parser.parse_args()
    build(asked.out.resolve())
    if asked.zip is not None:
        write_zip(asked.zip, asked.out)
        print(f"{asked.zip}: {asked.zip.stat().st_size / 1e6:.1f} MB")
