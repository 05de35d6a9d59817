"""The live engine: what it gives for blocks of any size, without end, in bounded memory."""

import io
import struct
from fractions import Fraction

import numpy as np
import pytest
import soundfile

import facegen
from facegen.config import Config, StreamConfig
from facegen.core.animation import Animation
from facegen.core.errors import AudioError, UsageError
from facegen.emotion import EmotionTrack, parse_emotion
from facegen.live import Engine, Plan
from facegen.live.clock import Clock
from facegen.live.idle_motion import IdleMotion
from facegen.live.sources import SoundBuffer, piped
from facegen.motion.take import Take, compose
from facegen.rig import ARKIT
from facegen.speech.audio import read_audio

SECONDS = 3


@pytest.fixture(scope="module")
def speech(sample):
    samples, rate = soundfile.read(sample, dtype="float32")
    assert rate == 16000
    return samples[: SECONDS * rate + 77]


def frames_of(samples, config, latency, cuts=None):
    engine = Engine(config, StreamConfig(latency=latency))
    cuts = range(320, len(samples), 320) if cuts is None else cuts
    frames = []
    for block in np.split(samples, list(cuts)):
        frames += engine.push(block)
    return frames + engine.close(), engine


def values_of(frames):
    return np.stack([f.values for f in frames])


@pytest.mark.parametrize("decoder", ["learned", "rules"])
@pytest.mark.parametrize("fps", ["30", "24000/1001", "60"])
def test_with_enough_latency_the_lips_are_those_of_the_whole(speech, decoder, fps):
    config = Config(fps=fps, decoder=decoder, passes=("smooth", "limit"))
    whole = facegen.animate(speech, rate=16000, fps=fps, decoder=decoder, passes=("smooth", "limit"))
    rng = np.random.default_rng(len(fps))
    cuts = np.sort(rng.integers(0, len(speech), 90))
    frames, _ = frames_of(speech, config, 700, cuts)
    assert [f.index for f in frames] == list(range(len(whole)))
    assert np.abs(values_of(frames) - whole.values).max() < 1e-4
    assert frames[5].time == pytest.approx(float(5 / Fraction(fps)))


def test_little_latency_costs_little(speech):
    config = Config(passes=("limit",))
    whole = facegen.animate(speech, rate=16000, passes=("limit",)).channel("jawOpen")
    for latency, least in ((120, 0.98), (300, 0.999)):
        frames, engine = frames_of(speech, config, latency)
        jaw = values_of(frames)[:, ARKIT.index("jawOpen")]
        assert np.corrcoef(jaw, whole)[0, 1] > least, (latency, engine.plan)


def test_the_same_seed_gives_the_same_face_and_another_a_different_one(speech):
    one, again, other = (values_of(frames_of(speech[:24000], Config(seed=s), 300)[0]) for s in (1, 1, 2))
    assert np.array_equal(one, again)
    eyes = [i for i, name in enumerate(ARKIT) if name.startswith(("eye", "brow"))]
    assert np.abs(one[:, eyes] - other[:, eyes]).max() > 0.02


def test_lips_shut_where_they_shut_offline(speech):
    live = values_of(frames_of(speech, Config(fps="60"), 300)[0])
    whole = facegen.animate(speech, rate=16000, fps="60")
    press = whole.channel("mouthPressLeft")
    shut = press > 0.8 * press.max()
    assert shut.sum() >= 3
    mine = live[:, ARKIT.index("mouthPressLeft")]
    assert (mine[shut] > 0.5 * press.max()).mean() > 0.8


def test_silence_gives_a_closed_mouth_in_a_face_that_lives():
    frames, _ = frames_of(np.zeros(16000 * 10, np.float32), Config(), 500)
    values = values_of(frames)
    assert len(values) == 300
    assert values[:, ARKIT.index("jawOpen")].max() < 0.02
    blink = values[:, ARKIT.index("eyeBlinkLeft")]
    assert 1 <= np.count_nonzero((blink[1:] > 0.4) & (blink[:-1] <= 0.4)) <= 20
    assert np.ptp(values[:, ARKIT.index("eyeLookOutLeft")]) > 0.03


@pytest.mark.parametrize("fps", ["25", "60000/1001"])
def test_life_goes_on_without_seams(fps):
    rate = Fraction(fps)
    life = IdleMotion(Config(fps=fps), rate, EmotionTrack(parse_emotion("happy:0.5")))
    values, heads, held = [], [], 0
    for first in range(0, round(90 * rate), 7):
        talk = np.full(7, float(first // 200 % 2), np.float32)
        take = Take(rate, 7, config={"passes": ()})
        for layer in life.layers(first, first + 7, talk):
            take = take.with_layer(layer)
        shown = compose(take)
        values.append(shown.values)
        heads.append(shown.head)
        held = max(held, len(life._stretches))
    values, heads = np.concatenate(values), np.concatenate(heads)
    assert held <= 3
    assert np.abs(np.diff(np.degrees(heads[:, :3]), axis=0)).max() * float(rate) < 40  # degrees a second
    smile = values[:, ARKIT.index("mouthSmileLeft")]
    assert smile.min() > 0.05 and np.abs(np.diff(smile)).max() * float(rate) < 4
    blink = values[:, ARKIT.index("eyeBlinkLeft")]
    blinks = np.count_nonzero((blink[1:] > 0.5) & (blink[:-1] <= 0.5))
    assert 8 <= blinks <= 110


def test_memory_does_not_grow(speech):
    def size(engine):
        parts = (engine, engine._features, engine._finish, engine._life, engine._stress)
        arrays = [a for part in parts for a in vars(part).values()]
        return sum(a.nbytes if isinstance(a, np.ndarray) else len(a) for a in arrays if hasattr(a, "__len__"))

    engine = Engine(Config(fps="60"), StreamConfig(latency=300))
    sizes = []
    for _ in range(8):
        for at in range(0, len(speech) // 2, 3200):
            engine.push(speech[at : at + 3200])
        sizes.append(size(engine))
    assert max(sizes[6:]) < 1.05 * max(sizes[4:6])


def test_the_emotion_can_be_changed_while_it_runs():
    engine = Engine(Config(emotion="neutral"), StreamConfig(latency=300))
    before = [f for _ in range(10) for f in engine.push(np.zeros(3200, np.float32))]
    with pytest.raises(UsageError):
        engine.change(emotion="hapy")
    with pytest.raises(UsageError):
        engine.change(seed=3)
    with pytest.raises(UsageError):
        engine.change(emotion=5)
    engine.change(emotion="happy")
    after = [f for _ in range(10) for f in engine.push(np.zeros(3200, np.float32))]
    smile = ARKIT.index("mouthSmileLeft")
    assert values_of(before)[:, smile].max() < 0.1 < 0.4 < values_of(after)[-5:, smile].min()
    assert np.abs(np.diff(values_of(before + after)[:, smile])).max() < 0.15


def test_another_rig_gets_its_own_controls(speech):
    frames, engine = frames_of(speech[:16000], Config(rig="vrm1"), 300)
    assert engine.controls == frames[0].controls and "aa" in engine.controls
    assert values_of(frames)[:, engine.controls.index("aa")].max() > 0.05


@pytest.mark.parametrize("latency", [60, 100, 300, 500, 2000])
@pytest.mark.parametrize("fps", [24, 60, 120])
def test_a_plan_spends_no_more_than_the_latency(latency, fps):
    plan = Plan.of(latency, Fraction(fps))
    assert plan.step >= 2 and plan.ahead >= 0
    assert plan.step + plan.ahead <= max(2, latency / 10 - 4)


def test_python_streams_any_rate_and_shape(speech):
    loud = np.round(32767 * np.repeat(speech[:24000, None], 2, axis=1)).astype(np.int16)
    double = np.repeat(loud, 2, axis=0)  # 32 kHz
    rows = list(facegen.stream([double[:5000], double[:0], double[5000:]], rate=32000, fps=60, latency=200))
    assert len(rows) == 90
    assert [t for t, _ in rows] == pytest.approx(np.arange(90) / 60)
    assert set(rows[0][1]) == set(ARKIT) and isinstance(rows[0][1]["jawOpen"], float)
    assert max(row["jawOpen"] for _, row in rows) > 0.1
    assert list(facegen.stream([])) == []


@pytest.mark.parametrize("rate", [0, 7999, 1e9, "fast", 16000.5, None])
def test_rates_that_are_none(rate):
    with pytest.raises(UsageError, match="rate"):
        facegen.stream([], rate=rate)


@pytest.mark.parametrize("block", [[float("nan")], [["a"]], np.zeros((2, 2, 2)), [1j], [[1.0], [1.0, 2.0]]])
def test_blocks_that_are_no_sound(block):
    with pytest.raises(AudioError):
        list(facegen.stream([block]))


def test_settings_of_streams_are_checked():
    for wrong in ({"latency": 5}, {"latency": True}, {"emotion": "hapy"}, {"latncy": 300}, {"fps": 0}):
        with pytest.raises(UsageError):
            facegen.stream([], **wrong)


def test_the_clock_follows_a_sound_card_that_runs_at_another_rate():
    """An hour with a card that is 200 millionths quick: its buffer neither fills nor runs dry, frames stay even."""
    now, wrong = [0.0], 1 + 200e-6
    clock = Clock(lambda: now[0])
    clock.start()
    levels, gaps, last = [], [], None
    for tick in range(180_000):
        fed = 0.02 * tick
        now[0] = max(now[0], clock.due(fed + 0.02))
        level = 0.03 + now[0] * wrong - fed - 0.02
        clock.observe(level, 0.03)
        levels.append(level)
        if last is not None:
            gaps.append(now[0] - last)
        last = now[0]
    assert 0.01 < min(levels) and max(levels) < 0.05
    assert np.abs(np.array(gaps) - 0.02).max() < 0.002
    assert now[0] == pytest.approx(3600 / wrong, abs=1 / 60)


def waiting_levels(written, seconds=8.0):
    """The sound that waits, tick by tick, where ``written(now)`` seconds of it have been written by then."""
    now = [0.0]
    clock = Clock(lambda: now[0])
    clock.start()
    levels, fed = [], 0.0
    while now[0] < seconds:
        now[0] = max(now[0], clock.due(fed + 0.02))
        levels.append(written(now[0]) - fed)
        clock.observe(levels[-1], 0.03)
        fed += 0.02
    return np.array(levels)


def test_the_clock_leaps_over_a_lead_that_only_delays():
    """A pipe that was written to at the pace of the sound for 0.7 s before anybody read."""
    levels = waiting_levels(lambda now: 0.7 + 0.02 * int(now / 0.02))
    assert levels[0] > 0.6
    assert 0.0 <= levels[100:].min() and levels[100:].max() < 0.1


def test_the_clock_does_not_hurry_speech_that_comes_a_sentence_at_a_time():
    """Three seconds of sound written at once, every three seconds, as synthetic voices do."""
    levels = waiting_levels(lambda now: 3.0 * (1 + int(now / 3.0)))
    assert levels[:148] == pytest.approx(3.0 - 0.02 * np.arange(148), abs=0.03)


def test_a_buffer_that_runs_dry_keeps_more_in_reserve():
    buffer = SoundBuffer(0.03)
    reserves = []
    for _ in range(6):
        buffer.put_live(np.ones(2400, np.float32))
        while len(buffer.take(320)):
            continue
        reserves.append(buffer.reserve)
    assert reserves == [960, 1920, 2400, 2400, 2400, 2400]


def test_a_buffer_that_has_run_dry_fills_again_first():
    buffer = SoundBuffer(0.1)
    buffer.put_live(np.ones(800, np.float32))
    assert not len(buffer.take(320))  # 0.1 s are 1600 samples
    buffer.put_live(np.ones(900, np.float32))
    assert [len(buffer.take(320)) for _ in range(7)] == [320] * 5 + [0, 0]
    buffer.put_live(np.ones(320, np.float32))
    assert not len(buffer.take(320))
    buffer.end()
    assert [len(buffer.take(320)) for _ in range(3)] == [320, 100, 0]
    for _ in range(200):
        buffer.put_live(np.ones(320, np.float32))
    assert buffer.level <= 16000 and buffer.lost > 0


def wav(kind, channels, rate, samples, unsized=False):
    code = {"<i2": 1, "<i3": 1, "<f4": 3}[kind]
    bits = 8 * int(kind[-1])
    wide = np.repeat(samples[:, None], channels, axis=1)
    if kind == "<f4":
        data = wide.astype("<f4").tobytes()
    elif kind == "<i2":
        data = np.round(wide * 32767).astype("<i2").tobytes()
    else:
        full = np.round(wide * (2**23 - 1)).astype("<i4")
        data = full.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
    layout = struct.pack(
        "<HHIIHH", code, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits
    )
    size = 0xFFFFFFFF if unsized else len(data)
    head = b"RIFF" + struct.pack("<I", size) + b"WAVE" + b"LIST" + struct.pack("<I", 4) + b"abcd"
    return head + b"fmt " + struct.pack("<I", 16) + layout + b"data" + struct.pack("<I", size) + data


@pytest.mark.parametrize("kind", ["<i2", "<i3", "<f4"])
@pytest.mark.parametrize(("channels", "rate"), [(1, 16000), (2, 48000)])
def test_pipes_of_wav(kind, channels, rate):
    tone = (0.5 * np.sin(2 * np.pi * 200 * np.arange(rate) / rate)).astype(np.float32)
    heard = np.concatenate(list(piped(io.BytesIO(wav(kind, channels, rate, tone, unsized=True)), 8000)))
    expected = 0.5 * np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
    assert len(heard) == 16000 and np.abs(heard - expected)[200:-200].max() < 2e-3


def test_pipes_of_raw_sound():
    tone = np.round(16000 * np.sin(np.arange(8001) / 9)).astype("<i2")
    assert len(np.concatenate(list(piped(io.BytesIO(tone.tobytes()), 8000)))) == 16002


@pytest.mark.parametrize(
    "data", [b"", b"RI", b"RIFF1234WAVE", b"RIFF1234WAVEdata\0\0\0\0", wav("<i2", 1, 900, np.zeros(9))]
)
def test_pipes_that_hold_no_sound(data):
    with pytest.raises(AudioError):
        list(piped(io.BytesIO(data), 16000))


def test_the_face_follows_the_mood_that_is_heard(data_folder):
    """Anger, then grief: the mouth's corners sink; the turns come at the same frames for any cutting."""
    folder = data_folder / "emodb" / "audio"
    loud = [read_audio(file).samples for file in sorted(folder.glob("08*W?.opus"))[:4]]
    sad = [read_audio(file).samples for file in sorted(folder.glob("08*T?.opus"))[:4]]
    samples = np.concatenate(loud + sad)
    runs = []
    for size in (1600, 50_000):
        engine = Engine(Config(fps="10", passes=("expression",)))
        frames = [
            frame for at in range(0, len(samples), size) for frame in engine.push(samples[at : at + size])
        ]
        corner = engine.controls.index("mouthFrownLeft")
        runs.append(np.array([frame.values[corner] for frame in frames + engine.close()]))
    assert (
        np.abs(runs[0] - runs[1]).max() < 0.02
    )  # how much it talks is told from phones that are provisional
    turn = int(10 * sum(map(len, loud)) / 16_000)
    assert runs[0][-20:].mean() > runs[0][turn - 20 : turn].mean() + 0.03


def test_a_live_face_borrows_an_emotion(sample, tmp_path):
    values = np.zeros((30, len(ARKIT)), np.float32)
    values[:, [ARKIT.index(name) for name in ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft")]] = 0.8
    values[:3] = 0
    Animation(30, ARKIT, values).save(tmp_path / "smile.safetensors")
    samples = read_audio(sample).samples[:32_000]
    smiles = []
    for lent in (None, str(tmp_path / "smile.safetensors")):
        engine = Engine(Config(fps="10", passes=("expression",), emotion_from=lent))
        frames = engine.push(samples) + engine.close()
        smiles.append(np.mean([frame.values[ARKIT.index("mouthSmileLeft")] for frame in frames]))
    assert smiles[1] > smiles[0] + 0.1
