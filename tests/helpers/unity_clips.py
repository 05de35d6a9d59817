"""Unity clips read as plain YAML."""

from __future__ import annotations

import yaml

from facegen.formats import save


class Loader(yaml.SafeLoader):
    """Reads ``!u!74`` documents as plain maps."""


Loader.add_multi_constructor(
    "tag:unity3d.com,2011:", lambda loader, _, node: loader.construct_mapping(node, True)
)


def clip(animation, tmp_path, name="talk.anim", **options):
    save(animation, tmp_path / name, **options)
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert text.startswith("%YAML 1.1\n%TAG !u! tag:unity3d.com,2011:\n--- !u!74 &7400000\nAnimationClip:\n")
    return yaml.load(text, Loader)["AnimationClip"]
