"""What a viewer would show of a USD file; needs usd-core."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.formats import save
from tests.helpers.tiny_rig import tiny_rig

pytest.importorskip("pxr", reason='no usd-core: pip install "facegen[usd]"')
from pxr import Usd, UsdGeom, UsdSkel  # noqa: E402

RIG = tiny_rig()


def stage_of(tmp_path, animation, suffix=".usda", rig=RIG, **options):
    save(animation, tmp_path / f"a{suffix}", rig=rig, **options)
    return Usd.Stage.Open(str(tmp_path / f"a{suffix}"))


def shown(stage, frame):
    """Points of each mesh in cm at a frame, baked by UsdSkel itself."""
    cache = UsdSkel.Cache()
    root = UsdSkel.Root(stage.GetDefaultPrim())
    cache.Populate(root, Usd.PrimDefaultPredicate)
    (binding,) = cache.ComputeSkelBindings(root, Usd.PrimDefaultPredicate)
    skeleton = cache.GetSkelQuery(binding.GetSkeleton())
    transforms = skeleton.ComputeSkinningTransforms(frame)
    driven = skeleton.GetAnimQuery()
    weights = dict(zip(driven.GetBlendShapeOrder(), driven.ComputeBlendShapeWeights(frame), strict=True))
    result = {}
    for skinned in binding.GetSkinningTargets():
        prim = skinned.GetPrim()
        points = np.array(UsdGeom.Mesh(prim).GetPointsAttr().Get(), np.float32)
        if skinned.HasBlendShapes():
            targets = UsdSkel.BindingAPI(prim).GetBlendShapeTargetsRel().GetTargets()
            for name, target in zip(skinned.GetBlendShapeOrder(), targets, strict=True):
                shape = UsdSkel.BlendShape(stage.GetPrimAtPath(target))
                offsets = np.array(shape.GetOffsetsAttr().Get())
                points[np.array(shape.GetPointIndicesAttr().Get())] += weights[name] * offsets
        baked = type(UsdGeom.Mesh(prim).GetPointsAttr().Get()).FromNumpy(points)
        assert skinned.ComputeSkinnedPoints(transforms, baked, frame)
        result[prim.GetName()] = np.array(baked)
    return result
