"""Every broken animation file is refused with one line that says where it is broken."""

from pathlib import Path

import pytest

from facegen.core.errors import AnimationFileError
from facegen.formats import load_animation
from tests.corpus.make_animation import build


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return build(tmp_path_factory.mktemp("animations"))


def test_a_broken_file_gives_one_line_that_names_file_fault_and_remedy(cases):
    assert len(cases) >= 50
    for case in cases:
        with pytest.raises(AnimationFileError) as caught:
            load_animation(case.path)
        text = str(caught.value)
        assert case.says in text, f"{case.name}: {text}"
        assert case.path.name in text and "\n" not in text and len(text) < 500, text
        assert caught.value.remedy and caught.value.exit_code == case.exit_code, case.name


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.json", Path(tmp_path, "folder.csv")):
        if path.suffix == ".csv":
            path.mkdir()
        with pytest.raises(AnimationFileError, match="no such file|is a folder"):
            load_animation(path)
