"""Live Link Face CSV: the app's layout to the letter, and files of other writers."""

from fractions import Fraction

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.formats import load_animation, save
from facegen.formats.live_link_csv import EYE_COLUMNS, HEADER
from facegen.formats.timecode import frame_rate, parse_timecode, timecode
from facegen.rig import ARKIT
from facegen.rig.head_pose import eye_angles

CAPTURES = ("angry", "fearful", "happy", "sad")


def one_hot(name, value=1.0, frames=2, fps=30):
    return Animation(fps, (name,), np.full((frames, 1), value))


def cells(path):
    return [line.split(",") for line in path.read_text().splitlines()]


def csv(tmp_path, text, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_animation(path)


def test_the_header_and_rows_are_the_apps(tmp_path):
    save(one_hot("jawLeft", 0.25), tmp_path / "a.csv")
    raw = (tmp_path / "a.csv").read_bytes()
    header, first, second = cells(tmp_path / "a.csv")
    assert b"\r" not in raw and raw.endswith(b"\n") and len(header) == 63
    assert header[:3] == ["Timecode", "BlendshapeCount", "EyeBlinkLeft"] and tuple(header) == HEADER
    assert header[16:24] == [
        "JawForward", "JawRight", "JawLeft", "JawOpen", "MouthClose", "MouthFunnel", "MouthPucker", "MouthRight"
    ]  # fmt: skip
    assert header[53:57] == ["TongueOut", "HeadYaw", "HeadPitch", "HeadRoll"]
    assert first[:2] == ["00:00:00:00.000", "61"] and second[0] == "00:00:00:02.000"
    assert first[header.index("JawLeft")] == "0.2500000000" and first.count("0.0000000000") == 60


@pytest.mark.parametrize(
    ("frame", "fps", "text"),
    [
        (0, "30", "00:00:00:00.000"),
        (1, "24", "00:00:00:02.500"),
        (1, "25", "00:00:00:02.400"),
        (1, "30000/1001", "00:00:00:02.002"),
        (30, "30", "00:00:01:00.000"),
        (1, "120", "00:00:00:00.500"),
        (3600 * 60 + 61, "60", "01:00:01:01.000"),
        (24 * 3600 * 30 + 1, "30", "00:00:00:02.000"),
    ],
)
def test_timecodes_count_sixtieths(frame, fps, text):
    assert timecode(frame, Fraction(fps)) == text


@pytest.mark.parametrize(
    "text", ["", "1:2:3", "1:2:3:4:5", "a:b:c:d", "-1:0:0:0", "00:00:00:00.", "1e3:0:0:0", "٣:0:0:0x"]
)
def test_what_is_no_timecode(text):
    assert parse_timecode(text) is None


@pytest.mark.parametrize(
    ("look", "column", "sign"),
    [
        ("eyeLookInLeft", "LeftEyeYaw", 1),
        ("eyeLookOutLeft", "LeftEyeYaw", -1),
        ("eyeLookInRight", "RightEyeYaw", -1),
        ("eyeLookOutRight", "RightEyeYaw", 1),
        ("eyeLookDownLeft", "LeftEyePitch", 1),
        ("eyeLookUpRight", "RightEyePitch", -1),
    ],
)
def test_eye_angles_turn_as_the_apps_do(look, column, sign, tmp_path):
    save(one_hot(look), tmp_path / "a.csv")
    header, row, _ = cells(tmp_path / "a.csv")
    moved = {name: float(row[header.index(name)]) for name in EYE_COLUMNS if float(row[header.index(name)])}
    assert list(moved) == [column] and 0.3 < sign * moved[column] < 0.7


@pytest.mark.parametrize("name", CAPTURES)
def test_recordings_of_the_app_load(name, data_folder, tmp_path):
    path = data_folder / "livelink-captures" / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"no recording {path.name}")
    animation = load_animation(path)
    rows = cells(path)[1:]
    assert animation.controls == ARKIT and len(animation) == len(rows) > 1800
    assert animation.fps == Fraction(60000, 1001) and animation.head is None
    assert animation.values.min() >= 0 and 0.5 < animation.values.max() < 1.1
    first, last = (parse_timecode(row[0]) for row in (rows[0], rows[-1]))
    assert animation.seconds == pytest.approx(last[0] - first[0] + (last[1] - first[1]) / 60, rel=0.002)
    assert animation.channel("jawOpen")[7] == np.float32(rows[7][HEADER.index("JawOpen")])
    assert 0.01 < animation.values.std(axis=0).max() < 0.4
    save(animation, tmp_path / "again.csv")
    assert load_animation(tmp_path / "again.csv") == animation


def test_derived_eye_angles_follow_recorded_ones(data_folder):
    derived, recorded = [], []
    for path in sorted((data_folder / "livelink-captures").glob("*.csv")):
        header, *rows = cells(path)
        table = np.array([row[2:] for row in rows], float)
        derived.append(eye_angles(load_animation(path).values))
        recorded.append(table[:, [header.index(name) - 2 for name in EYE_COLUMNS]])
    if not derived:
        pytest.skip("no recordings of Live Link Face")
    derived, recorded = np.concatenate(derived), np.concatenate(recorded)
    for column in (0, 1, 3, 4):
        assert np.corrcoef(derived[:, column], recorded[:, column])[0, 1] > 0.95
    assert np.sqrt(np.mean((derived - recorded) ** 2)) < 0.03


@pytest.mark.parametrize(
    "fps", ["24", "25", "30", "60", "120", "30000/1001", "24000/1001", "60000/1001", "12", "90", "47"]
)
@pytest.mark.parametrize("frames", [2, 7, 4000])
def test_frame_rates_survive(fps, frames):
    codes = [parse_timecode(timecode(i, Fraction(fps))) for i in range(frames)]
    assert frame_rate(codes) == Fraction(fps)


def test_a_long_file_keeps_its_rate_where_single_steps_could_not_tell():
    for fps in (Fraction(60), Fraction(60000, 1001), Fraction("59.95")):
        codes = [parse_timecode(timecode(i, fps)) for i in range(20_000)]
        assert frame_rate(codes) == fps


def test_times_run_on_past_midnight():
    frames = [parse_timecode(timecode(24 * 3600 * 30 + i, Fraction(30))) for i in range(-5, 5)]
    assert frames[0][0] == 86399 and frames[-1][0] == 0
    assert frame_rate(frames) == 30


def test_dropped_rows_and_equal_timecodes_do_not_change_the_rate():
    kept = [parse_timecode(timecode(i, Fraction(30))) for i in range(100) if i not in (20, 21, 22, 60)]
    assert frame_rate(kept) == 30
    assert frame_rate(kept[:1] * 5) == 60


def test_a_single_row_reads_as_sixty(tmp_path):
    save(one_hot("jawOpen", frames=1, fps=24), tmp_path / "a.csv")
    assert load_animation(tmp_path / "a.csv").fps == 60


def test_what_the_format_does_not_hold(tmp_path):
    """Other controls are dropped, missing ones are zero, the head's shift is lost, and a still head is None."""
    head = np.zeros((2, 6))
    head[:, 3:] = 1.0
    given = Animation(30, ("tongueTipUp", "jawOpen"), np.array([[1, 0.5], [0, 0.25]]), head)
    save(given, tmp_path / "a.csv")
    again = load_animation(tmp_path / "a.csv")
    assert again.head is None and again.controls == ARKIT
    assert again.channel("jawOpen").tolist() == [0.5, 0.25] and again.values.sum() == 0.75


def neurosync(frames):
    emotions = ["Angry", "Disgusted", "Fearful", "Happy", "Neutral", "Sad", "Surprised"]
    header = ["Timecode", "BlendShapeCount", *HEADER[2:], *emotions]
    lines = [",".join(header)]
    for i in range(frames):
        milliseconds = int(i * 1000 / 60)
        code = f"00:00:{i // 60:02d}:{int((milliseconds % 1000) * 0.06):02d}.{milliseconds % 1000:03d}"
        lines.append(",".join([code, "68", *[str(i / 1000)] * 61, *["100.6"] * 7]))
    return "\r\n".join(lines) + "\r\n"


def test_files_with_emotions_and_milliseconds_are_read(tmp_path):
    animation = csv(tmp_path, neurosync(200))
    assert animation.fps == 60 and animation.controls == ARKIT and len(animation) == 200
    assert animation.values[50, 3] == np.float32(0.05) and animation.head[50, 0] == np.float32(0.05)


def test_unreals_own_curve_files_are_read(tmp_path):
    names = ", ".join(name[0].upper() + name[1:] for name in ARKIT)
    rows = [f"9:5:{i // 30}:{i % 30}, 30, " + ", ".join(["0.125"] * 52) for i in range(70)]
    animation = csv(tmp_path, "\r\n".join([f"Timecode, FrameRate, {names}", *rows]))
    assert animation.fps == 30 and animation.controls == ARKIT and (animation.values == 0.125).all()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_blank_lines_and_trailing_commas(encoding, tmp_path):
    text = "timecode,BlendShapeCount,JAWOPEN,Extra\n\n00:00:00:00.000,61,0.5,7,\n\n00:00:00:02.000,61,1,8\n\n"
    animation = csv(tmp_path, text.encode(encoding))
    assert animation.controls == ("jawOpen", "Extra") and animation.fps == 30
    assert animation.values.tolist() == [[0.5, 7], [1, 8]]


def test_the_file_of_a_known_animation_is_what_it_was(tmp_path):
    from pathlib import Path

    golden = Path(__file__).parents[1] / "goldens"
    values = np.round(np.linspace(0, 1, 3 * 52).reshape(3, 52), 4)
    animation = Animation("30000/1001", ARKIT, values, np.linspace(-0.2, 0.2, 18).reshape(3, 6))
    for name in ("animation.csv", "animation.json"):
        save(animation, tmp_path / name)
        assert (tmp_path / name).read_text() == (golden / name).read_text()
