"""House rules that hold over the whole package, read from its syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "facegen"
FILES = sorted(PACKAGE.rglob("*.py"))
LAZY = {
    "torch",
    "moderngl",
    "OpenGL",
    "PIL",
    "matplotlib",
    "bpy",
    "mathutils",
    "pxr",
    "mediapipe",
    "ray",
    "cv2",
}
NEVER = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
WRITERS = {"write_text", "write_bytes", "savez", "savez_compressed", "tofile"}
MAX_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 400, 60, 8


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(nodes: Iterator[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]


def at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Nodes that run when the module is imported: all but the bodies of functions and of ``if TYPE_CHECKING``."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        waiting.extend(ast.iter_child_nodes(node))


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def found(path: Path, lines: list[int], what: str) -> list[str]:
    return [f"{path.relative_to(PACKAGE.parent)}:{line} {what}" for line in lines]


def every(check) -> list[str]:
    return [fault for path in FILES for fault in check(path, tree_of(path))]


def test_there_is_something_to_check():
    assert len(FILES) > 20


def test_no_module_that_unpickles():
    assert not every(
        lambda p, t: found(p, [n for n, m in imports(ast.walk(t)) if m in NEVER], "imports a pickler")
    )


def test_no_call_that_runs_text():
    def check(path, tree):
        for call in calls(tree):
            name = ast.unparse(call.func)
            shell = any(k.arg == "shell" and ast.unparse(k.value) != "False" for k in call.keywords)
            if (
                name in ("eval", "exec", "os.system", "os.popen", "torch.load", "np.load", "numpy.load")
                or shell
            ):
                yield from found(path, [call.lineno], f"calls {name}")

    assert not every(check)


def test_heavy_modules_are_imported_inside_functions():
    assert not every(
        lambda p, t: found(p, [n for n, m in imports(at_import(t)) if m in LAZY], "imports at the top")
    )


def test_blender_is_never_imported():
    assert not every(
        lambda p, t: found(
            p, [n for n, m in imports(ast.walk(t)) if m in ("bpy", "mathutils")], "imports Blender"
        )
    )


def _writes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    if name in WRITERS:
        return True
    if name != "open" or ast.unparse(call.func) in ("os.open", "av.open", "Image.open"):
        return False
    position = 0 if isinstance(call.func, ast.Attribute) and ast.unparse(call.func) not in ("io.open",) else 1
    modes = [k.value for k in call.keywords if k.arg == "mode"] + call.args[position : position + 1]
    return any(isinstance(m, ast.Constant) and set(str(m.value)) & set("wax+") for m in modes)


def test_only_files_py_writes():
    """Others write through it: under ``atomic_path`` they may open the temporary name that it gives."""

    def check(path, tree):
        if path.name == "files.py":
            return
        safe = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.With)
            and any("atomic_path" in ast.unparse(i.context_expr) for i in node.items)
            for inner in ast.walk(node)
        }
        lines = [call.lineno for call in calls(tree) if _writes(call) and id(call) not in safe]
        yield from found(path, lines, "writes a file")

    assert not every(check)


def test_the_check_of_writing_sees_what_it_should():
    def seen(code: str) -> bool:
        return any(_writes(call) for call in calls(ast.parse(code)))

    assert seen("open('a', 'w')") and seen("open(p, mode='wb')") and seen("Path(p).open('x')")
    assert seen("p.write_text('a')") and seen("np.savez(p)")
    assert (
        not seen("open('a')")
        and not seen("open(p, 'rb')")
        and not seen("p.open()")
        and not seen("av.open(p, 'w')")
    )


def test_only_the_command_line_ends_the_process():
    def check(path, tree):
        if "cli" in path.relative_to(PACKAGE).parts:
            return
        bad = ("sys.exit", "os._exit", "exit", "quit", "os.abort")
        lines = [call.lineno for call in calls(tree) if ast.unparse(call.func) in bad]
        lines += [
            n.lineno for n in ast.walk(tree) if isinstance(n, ast.Raise) and "SystemExit" in ast.unparse(n)
        ]
        yield from found(path, lines, "ends the process")

    assert not every(check)


def test_random_numbers_come_from_seeded_generators():
    def check(path, tree):
        allowed = ("default_rng", "Generator", "SeedSequence")
        for call in calls(tree):
            name = ast.unparse(call.func)
            plain = re.fullmatch(r"(?:(?:np|numpy)\.)?random\.(\w+)", name)
            if plain and plain[1] not in allowed:
                yield from found(path, [call.lineno], f"calls {name}")
            if name.endswith("default_rng") and not call.args:
                yield from found(path, [call.lineno], "has no seed")

    assert not every(check)


BESIDE = [p for folder in ("tools", "blender_addon") for p in sorted((PACKAGE.parent / folder).rglob("*.py"))]


LONGER = {
    ("tools/head_builder/hair.py", "_locks"): "the walk of a lock along the scalp, with what it closes over",
    ("blender_addon/panel.py", "draw_item"): "Blender calls it with nine arguments",
}


@pytest.mark.parametrize("path", FILES + BESIDE, ids=lambda p: str(p.relative_to(PACKAGE.parent)))
def test_size(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES, f"{lines} lines"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if (path.relative_to(PACKAGE.parent).as_posix(), node.name) in LONGER:
                continue
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"
            count = len(node.args.args) + len(node.args.kwonlyargs) + len(node.args.posonlyargs)
            assert count <= MAX_PARAMETERS, f"{node.name} has {count} parameters"
