"""What is shipped: a wheel from an sdist, installed apart from the checkout."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ROOMS = ("tasks", "bias_augment", "mitigations", "reports")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", out, ROOT], check=True, capture_output=True
    )
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def tracked():
    """Return the files of the rooms that git tracks, or will once they are added."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *ROOMS, "bias_inherit"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    return {name for name in listed if name and not (ROOT / name).is_symlink()}


def test_the_wheel_holds_every_tracked_file_and_nothing_else(built):
    wheel = {n for n in zipfile.ZipFile(built[0]).namelist() if ".dist-info/" not in n}
    expected = {n if n.startswith("bias_inherit/") else f"bias_inherit/{n}" for n in tracked()}
    assert len(expected) > 50
    assert wheel == expected


def test_the_sdist_holds_the_rooms(built):
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert tracked() <= names


def test_the_wheel_puts_no_generic_names_into_site_packages(built, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path, built[0]],
        check=True,
    )
    packages = {p.name for p in tmp_path.iterdir() if p.is_dir()} - {"bin"}
    assert {p for p in packages if not p.endswith(".dist-info")} == {"bias_inherit"}
    code = (
        "import bias_inherit.tasks.sources, bias_inherit.reports.leaderboard as r;"
        "print(r.__file__); print(len(bias_inherit.tasks.sources.load('occupation')['test']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )
    path, n = done.stdout.split()
    assert path.startswith(str(tmp_path)) and int(n) > 100
