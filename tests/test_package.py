"""What is built holds all that is run, and what is said of the package elsewhere agrees with pyproject.toml."""

import fnmatch
import subprocess
import tomllib

import pytest
import yaml

from tests.helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("model", "orchestrator", "analysis")


def kept_files():
    """Every file of the packages that git keeps, by its path."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs git and a checkout")
    return [path for path in listed if path and (ROOT / path).exists()]


def test_every_package_is_built():
    find = pytest.importorskip("setuptools").find_packages
    built = set(find(str(ROOT), include=PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]))
    modules = [path for path in kept_files() if path.endswith(".py")]
    assert built == {path.rpartition("/")[0].replace("/", ".") for path in modules}


def test_every_other_file_is_data_of_a_package():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    patterns = [f"{package.replace('.', '/')}/{name}" for package, names in data.items() for name in names]
    left_out = [
        path
        for path in kept_files()
        if not path.endswith(".py") and not any(fnmatch.fnmatch(path, pattern) for pattern in patterns)
    ]
    assert left_out == []


def test_pre_commit_runs_what_ci_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    ci = (ROOT / ".ci/run").read_text()
    assert {hook["entry"].split()[0] for hook in hooks} == {"ruff", "mypy", "lint-imports"}
    for hook in hooks:
        assert f"\n{hook['entry'].removesuffix(' --force-exclude').removesuffix('format')}" in ci


def test_the_citation_is_of_this_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = PROJECT["project"]
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"].startswith(f"{project['name']}: ")
    assert citation["license"] == project["license"]
    assert [author["name"] for author in citation["authors"]] == [one["name"] for one in project["authors"]]
    assert "version" not in citation, "pyproject.toml alone has it"


def test_all_has_every_extra_of_a_user():
    """But a cluster, whose versions are pinned."""
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    users = set(extras) - {"all", "cluster", "test", "docs", "dev"}
    assert set(everything.removeprefix("normsweep[").removesuffix("]").split(",")) == users
