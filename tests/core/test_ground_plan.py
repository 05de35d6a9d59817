"""The ground plan: what stands at the package root, no circles, no class name twice, and names of modules that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module

import grimp
import pytest

import facegen
from facegen.cli.app import COMMANDS
from facegen.core import registry
from facegen.core.registry import load_object
from tests.core.test_house_rules import FILES, PACKAGE, tree_of
from tools.training.corpora import CORPORA

ROOT_FILES = {"__init__.py", "__main__.py", "api.py", "config.py", "py.typed"}
DATA_FOLDERS = {"data", "models", "__pycache__"}
TARGETS = sorted(
    {
        *(target for table in registry._BUILT_IN.values() for target in table.values()),
        *(target for target, _ in COMMANDS.values()),
        *CORPORA.values(),
    }
)
MODULE_NAME = re.compile(r"(?:facegen|tools)(?:\.[a-z_][a-z0-9_]*)+(?::\w+)?")


def circles(edges: dict[str, set[str]]) -> list[tuple[str, ...]]:
    """Groups of names that reach one another (Tarjan 1972), without recursion."""
    found, index, low, waiting, on = [], {}, {}, [], set()
    for root in edges:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        waiting.append(root)
        on.add(root)
        work = [(root, iter(sorted(edges[root])))]
        while work:
            name, rest = work[-1]
            new = next((x for x in rest if x not in index), None)
            if new is not None:
                index[new] = low[new] = len(index)
                waiting.append(new)
                on.add(new)
                work.append((new, iter(sorted(edges.get(new, ())))))
                continue
            work.pop()
            low[name] = min([low[name], *(low[x] for x in edges.get(name, ()) if x in on)])
            if low[name] == index[name]:
                at = waiting.index(name)
                group, waiting = waiting[at:], waiting[:at]
                on -= set(group)
                if len(group) > 1 or name in edges.get(name, ()):
                    found.append(tuple(group))
    return found


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [("b", "c")]
    assert circles({"a": {"c"}, "c": {"b"}, "b": {"a", "d"}, "d": {"d"}}) == [("d",), ("a", "c", "b")]


@pytest.mark.parametrize("package", ["facegen", "tools"])
def test_no_file_imports_in_circles(package):
    """Counted with imports inside functions and those for type checkers alone."""
    graph = grimp.build_graph(package, cache_dir=None)
    edges = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(edges) > 50
    assert circles(edges) == []


def test_nothing_else_stands_at_the_package_root():
    for path in PACKAGE.iterdir():
        if path.is_dir():
            assert path.name in DATA_FOLDERS or (path / "__init__.py").is_file(), path.name
        else:
            assert path.name in ROOT_FILES, path.name


def test_no_class_name_stands_twice():
    names = Counter(
        node.name for path in FILES for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)
    )
    twice = sorted(name for name, count in names.items() if count > 1 and not name.startswith("_"))
    assert len(names) > 200 and not twice


@pytest.mark.parametrize("target", TARGETS)
def test_every_name_in_a_table_is_an_object(target):
    assert callable(load_object(target))


@pytest.mark.parametrize("name", facegen.__all__)
def test_every_public_name_resolves(name):
    assert getattr(facegen, name) is not None


def strings_that_name_modules() -> Iterator[str]:
    """Plain strings in facegen, tools and the tests' helpers that look like a module or an object in one."""
    root = PACKAGE.parent
    folders = ("facegen", "tools", "tests/helpers")
    for path in (path for folder in folders for path in sorted((root / folder).rglob("*.py"))):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if MODULE_NAME.fullmatch(node.value):
                    yield node.value


NAMED = sorted(set(strings_that_name_modules()))


def test_there_are_names_to_check():
    assert "facegen.formats:save" in NAMED and len(NAMED) > 60


@pytest.mark.parametrize("name", NAMED)
def test_every_string_that_names_a_module_is_right(name):
    module, _, attribute = name.partition(":")
    if attribute:
        load_object(name)
        return
    try:
        import_module(module)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith(module.split(".")[0]):
            pytest.skip(f"needs {error.name}")
        parent, _, last = module.rpartition(".")
        assert hasattr(import_module(parent), last), name
