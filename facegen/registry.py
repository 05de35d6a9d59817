"""Names that stand for objects, imported when first asked for; other packages add theirs by entry points."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from facegen.errors import FacegenError, UsageError, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_BUILT_IN: dict[str, dict[str, str]] = {
    "encoders": {"phones": "facegen.encoders.phones:PhoneEncoder"},
    "emotion_encoders": {"voice": "facegen.encoders.emotion:VoiceEmotion"},
    "decoders": {
        "learned": "facegen.decoders.learned:LearnedDecoder",
        "rules": "facegen.decoders.rules:RuleDecoder",
    },
    "exporters": {
        ".take": "facegen.exporters.take:TakeFile",
        ".csv": "facegen.exporters.livelink:LiveLinkCsv",
        ".json": "facegen.exporters.facegen_json:FacegenJson",
        ".safetensors": "facegen.exporters.arrays:Safetensors",
        ".glb": "facegen.exporters.gltf:Glb",
        ".gltf": "facegen.exporters.gltf:Gltf",
        ".a2f.json": "facegen.exporters.audio2face:Audio2Face",
        ".mh.json": "facegen.exporters.metahuman:MetaHumanJson",
        ".mh.csv": "facegen.exporters.metahuman:MetaHumanCsv",
        ".unreal.py": "facegen.exporters.metahuman:UnrealScript",
        ".blender.py": "facegen.exporters.scripts:BlenderScript",
        ".maya.py": "facegen.exporters.scripts:MayaScript",
        ".bvh": "facegen.exporters.bvh:Bvh",
        ".npy": "facegen.exporters.vertices:NumpyVertices",
        ".pc2": "facegen.exporters.vertices:PointCache",
        ".mdd": "facegen.exporters.vertices:Mdd",
        ".obj/": "facegen.exporters.vertices:ObjSequence",
        ".TextGrid": "facegen.exporters.praat:TextGrid",
        ".tsv": "facegen.exporters.rhubarb:RhubarbTsv",
        ".xml": "facegen.exporters.rhubarb:RhubarbXml",
        ".rhubarb.json": "facegen.exporters.rhubarb:RhubarbJson",
        ".dat": "facegen.exporters.rhubarb:RhubarbDat",
        ".oculus.json": "facegen.exporters.visemes:OculusVisemes",
        ".sapi.json": "facegen.exporters.visemes:SapiVisemes",
        ".head.csv": "facegen.exporters.tables:HeadCsv",
        ".ifm.txt": "facegen.exporters.tables:IFacialMocapText",
        ".fbx": "facegen.exporters.fbx:Fbx",
        ".srt": "facegen.exporters.subtitles:Srt",
        ".vtt": "facegen.exporters.subtitles:Vtt",
        ".anim": "facegen.exporters.unity:UnityClip",
        ".vrm": "facegen.exporters.vrm:Vrm",
        ".vrma": "facegen.exporters.vrma:Vrma",
        ".usda": "facegen.exporters.usd:Usda",
        ".usdc": "facegen.exporters.usd:Usdc",
        ".usdz": "facegen.exporters.usd:Usdz",
    },
    "importers": {
        ".take": "facegen.exporters.take:TakeFile",
        ".csv": "facegen.exporters.livelink:LiveLinkCsv",
        ".json": "facegen.exporters.facegen_json:FacegenJson",
        ".a2f.json": "facegen.exporters.audio2face:Audio2Face",
        ".mh.json": "facegen.exporters.metahuman:MetaHumanJson",
        ".safetensors": "facegen.exporters.arrays:Safetensors",
        ".glb": "facegen.exporters.gltf:Glb",
        ".gltf": "facegen.exporters.gltf:Glb",
        ".vrm": "facegen.exporters.vrm:Vrm",
        ".vrma": "facegen.exporters.vrma:Vrma",
        ".usda": "facegen.exporters.usd:Usda",
        ".usdc": "facegen.exporters.usd:Usdc",
        ".usdz": "facegen.exporters.usd:Usdz",
    },
    "rig_importers": {
        ".glb": "facegen.rigfiles.gltf:read",
        ".gltf": "facegen.rigfiles.gltf:read",
        ".vrm": "facegen.rigfiles.gltf:read",
        ".obj": "facegen.rigfiles.obj:read",
        ".usd": "facegen.rigfiles.usd:read",
        ".usda": "facegen.rigfiles.usd:read",
        ".usdc": "facegen.rigfiles.usd:read",
        ".usdz": "facegen.rigfiles.usd:read",
        ".safetensors": "facegen.rigfiles.flame:read",
        "/ict_facekit.npz": "facegen.rigfiles.ict:read_arrays",
        "/generic_neutral_mesh.obj": "facegen.rigfiles.ict:read_folder",
        "/*.obj": "facegen.rigfiles.obj:read_folder",
    },
    "renderers": {
        "raster": "facegen.renderers.raster:Raster",
        "blender": "facegen.renderers.blender:Blender",
        "pyrender": "facegen.renderers.pyrender_gl:Pyrender",
        "pytorch3d": "facegen.renderers.torch_mesh:TorchMesh",
    },
    "videos": {
        ".mp4": "facegen.renderers.video:Mp4",
        ".webm": "facegen.renderers.video:Webm",
        ".mov": "facegen.renderers.video:Mov",
        ".gif": "facegen.renderers.images:Gif",
        ".png": "facegen.renderers.images:Png",
    },
    "jobs": {
        "animate": "facegen.jobs.animate:AnimateJob",
        "render": "facegen.jobs.render:RenderJob",
        "portrait": "facegen.jobs.portrait:PortraitJob",
    },
    "streams": {
        "livelink": "facegen.streams.livelink:LiveLink",
        "vmc": "facegen.streams.vmc:Vmc",
        "ifacialmocap": "facegen.streams.ifacialmocap:IFacialMocap",
        "ws": "facegen.streams.websocket:WebSocketServer",
        "jsonl": "facegen.streams.lines:JsonLines",
    },
}


class Registry:
    """Names of one kind of part (``exporters``, ``encoders`` …) and the objects behind them.

    ``names()`` imports nothing; ``get(name)`` imports that one. Entry points of the group
    ``facegen.<kind>`` add names; a name given twice is an error that names both places.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def _targets(self) -> dict[str, str]:
        targets = dict(_BUILT_IN.get(self.kind, {}))
        for point in _added(f"facegen.{self.kind}"):
            if targets.get(point.name, point.value) != point.value:
                raise FacegenError(
                    f"two packages offer {self.kind} {point.name!r}: {targets[point.name]} and {point.value}",
                    remedy="uninstall one of them",
                )
            targets[point.name] = point.value
        return targets

    def names(self) -> list[str]:
        return sorted(self._targets())

    def __contains__(self, name: str) -> bool:
        return name in self._targets()

    def get(self, name: str) -> Any:
        """The object called ``name``; UsageError with the nearest names where there is none."""
        targets = self._targets()
        if name not in targets:
            raise UsageError(
                f"no {self.kind.rstrip('s')} is called {name!r}", remedy=nearest(name, list(targets))
            )
        return load_object(targets[name])


@lru_cache
def _added(group: str) -> tuple[EntryPoint, ...]:
    """What other packages add; to ask takes longer than to solve a second of speech."""
    from importlib.metadata import entry_points  # takes as long to import as all of facegen

    return tuple(entry_points(group=group))


def load_object(target: str) -> Any:
    """The object at ``package.module:attribute``."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def suffix_of(name: str, known: list[str]) -> str:
    """The longest of the ``known`` suffixes (``.csv``, ``.mh.csv``) that ``name`` ends with, case aside, or ``""``."""
    lower = name.lower()
    return max((s for s in known if lower.endswith(s.lower())), key=len, default="")
