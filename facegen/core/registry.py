"""Names that stand for objects, imported when first asked for; other packages add theirs by entry points."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from facegen.core.errors import FacegenError, UsageError, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_BUILT_IN: dict[str, dict[str, str]] = {
    "encoders": {"phones": "facegen.speech.phone_encoder:PhoneEncoder"},
    "emotion_encoders": {"voice": "facegen.emotion.voice_encoder:VoiceEmotionEncoder"},
    "decoders": {
        "learned": "facegen.motion.lipsync.learned:LearnedDecoder",
        "rules": "facegen.motion.lipsync.coarticulation:CoarticulationDecoder",
    },
    "exporters": {
        ".take": "facegen.formats.take:TakeFile",
        ".csv": "facegen.formats.live_link_csv:LiveLinkCsv",
        ".json": "facegen.formats.facegen_json:FacegenJson",
        ".safetensors": "facegen.formats.safetensors:Safetensors",
        ".glb": "facegen.formats.gltf.animation_writer:Glb",
        ".gltf": "facegen.formats.gltf.animation_writer:Gltf",
        ".a2f.json": "facegen.formats.audio2face:Audio2Face",
        ".mh.json": "facegen.formats.metahuman:MetaHumanJson",
        ".mh.csv": "facegen.formats.metahuman:MetaHumanCsv",
        ".unreal.py": "facegen.formats.metahuman:UnrealScript",
        ".blender.py": "facegen.formats.dcc_scripts:BlenderScript",
        ".maya.py": "facegen.formats.dcc_scripts:MayaScript",
        ".bvh": "facegen.formats.bvh:Bvh",
        ".npy": "facegen.formats.vertex_cache:NumpyVertices",
        ".pc2": "facegen.formats.vertex_cache:PointCache",
        ".mdd": "facegen.formats.vertex_cache:Mdd",
        ".obj/": "facegen.formats.vertex_cache:ObjSequence",
        ".TextGrid": "facegen.formats.textgrid:TextGrid",
        ".tsv": "facegen.formats.rhubarb:RhubarbTsv",
        ".xml": "facegen.formats.rhubarb:RhubarbXml",
        ".rhubarb.json": "facegen.formats.rhubarb:RhubarbJson",
        ".dat": "facegen.formats.rhubarb:RhubarbDat",
        ".oculus.json": "facegen.formats.visemes:OculusVisemes",
        ".sapi.json": "facegen.formats.visemes:SapiVisemes",
        ".head.csv": "facegen.formats.head_csv:HeadCsv",
        ".ifm.txt": "facegen.formats.head_csv:IFacialMocapText",
        ".fbx": "facegen.formats.fbx:Fbx",
        ".srt": "facegen.formats.subtitles:Srt",
        ".vtt": "facegen.formats.subtitles:Vtt",
        ".anim": "facegen.formats.unity_anim:UnityClip",
        ".vrm": "facegen.formats.gltf.vrm:Vrm",
        ".vrma": "facegen.formats.gltf.vrma:Vrma",
        ".usda": "facegen.formats.usd.animation:Usda",
        ".usdc": "facegen.formats.usd.animation:Usdc",
        ".usdz": "facegen.formats.usd.animation:Usdz",
    },
    "importers": {
        ".take": "facegen.formats.take:TakeFile",
        ".csv": "facegen.formats.live_link_csv:LiveLinkCsv",
        ".json": "facegen.formats.facegen_json:FacegenJson",
        ".a2f.json": "facegen.formats.audio2face:Audio2Face",
        ".mh.json": "facegen.formats.metahuman:MetaHumanJson",
        ".safetensors": "facegen.formats.safetensors:Safetensors",
        ".glb": "facegen.formats.gltf.animation_writer:Glb",
        ".gltf": "facegen.formats.gltf.animation_writer:Glb",
        ".vrm": "facegen.formats.gltf.vrm:Vrm",
        ".vrma": "facegen.formats.gltf.vrma:Vrma",
        ".usda": "facegen.formats.usd.animation:Usda",
        ".usdc": "facegen.formats.usd.animation:Usdc",
        ".usdz": "facegen.formats.usd.animation:Usdz",
    },
    "rig_importers": {
        ".glb": "facegen.formats.gltf.rig_reader:read",
        ".gltf": "facegen.formats.gltf.rig_reader:read",
        ".vrm": "facegen.formats.gltf.rig_reader:read",
        ".obj": "facegen.formats.rigs.obj:read",
        ".usd": "facegen.formats.usd.rig_reader:read",
        ".usda": "facegen.formats.usd.rig_reader:read",
        ".usdc": "facegen.formats.usd.rig_reader:read",
        ".usdz": "facegen.formats.usd.rig_reader:read",
        ".safetensors": "facegen.formats.rigs.flame:read",
        "/ict_facekit.npz": "facegen.formats.rigs.ict_facekit:read_arrays",
        "/generic_neutral_mesh.obj": "facegen.formats.rigs.ict_facekit:read_folder",
        "/*.obj": "facegen.formats.rigs.obj:read_folder",
    },
    "renderers": {
        "raster": "facegen.renderers.opengl:OpenGLRenderer",
        "blender": "facegen.renderers.blender_cycles:BlenderRenderer",
        "pyrender": "facegen.renderers.pyrender_backend:PyrenderRenderer",
        "pytorch3d": "facegen.renderers.pytorch3d_backend:PyTorch3DRenderer",
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
        "track": "facegen.jobs.track:TrackJob",
        "convert": "facegen.jobs.convert:ConvertJob",
        "retarget": "facegen.jobs.retarget:RetargetJob",
        "edit": "facegen.jobs.edit:EditJob",
        "converse": "facegen.jobs.converse:ConverseJob",
        "keys": "facegen.jobs.keys:KeysJob",
        "check": "facegen.jobs.check:CheckJob",
        "emotion": "facegen.jobs.emotion:EmotionJob",
        "inspect": "facegen.jobs.inspect:InspectJob",
        "evaluate": "facegen.jobs.evaluate:EvaluateJob",
    },
    "streams": {
        "livelink": "facegen.live.sinks.live_link:LiveLinkSink",
        "vmc": "facegen.live.sinks.vmc:VmcSink",
        "ifacialmocap": "facegen.live.sinks.ifacialmocap:IFacialMocapSink",
        "ws": "facegen.live.sinks.websocket:WebSocketServer",
        "jsonl": "facegen.live.sinks.jsonl:JsonLinesSink",
    },
}


class Registry:
    """Names of one kind of part and the objects behind them.

    Entry points of the group ``facegen.<kind>`` in installed packages add names.

    Parameters
    ----------
    kind : str
        ``encoders``, ``emotion_encoders``, ``decoders``, ``exporters``, ``importers``, ``rig_importers``, ``renderers``,
        ``videos``, ``jobs`` or ``streams``.

    Raises
    ------
    FacegenError
        From all methods, where two packages offer different objects under one name.
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
        """All names, sorted; nothing is imported."""
        return sorted(self._targets())

    def __contains__(self, name: str) -> bool:
        return name in self._targets()

    def get(self, name: str) -> Any:
        """The object called ``name``, imported now.

        Raises
        ------
        UsageError
            For an unknown name, with the nearest ones.
        """
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
