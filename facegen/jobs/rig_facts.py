"""The facts of a rig, as JSON values and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facegen.rig import Rig


def rig_facts(shown: Rig) -> dict[str, Any]:
    """What there is to say of a rig, as JSON values."""
    mesh = shown.mesh
    return {
        "kind": "rig",
        "name": shown.name,
        "licence": shown.licence,
        "credit": shown.credit,
        "head": shown.head or None,
        "vertices": 0 if mesh is None else len(mesh.vertices),
        "faces": 0 if mesh is None else len(mesh.faces),
        "parts": [part.name for part in shown.parts],
        "controls": [
            {
                "name": c.name,
                "low": c.low,
                "high": c.high,
                "neutral": c.neutral,
                "side": c.side,
                "region": c.region,
            }
            for c in shown.controls
        ],
    }


def rig_lines(shown: Rig) -> list[str]:
    """The same for people."""
    facts = rig_facts(shown)
    mesh = f"{facts['vertices']} vertices, {facts['faces']} faces" if facts["vertices"] else "none"
    if facts["head"]:
        mesh += f" (shown on {facts['head']})"
    lines = [
        f"rig       {shown.name}",
        f"mesh      {mesh}",
        f"parts     {', '.join(facts['parts']) or 'none'}",
        f"licence   {shown.licence or 'not stated'}",
        f"credit    {shown.credit or 'none'}",
        f"controls  {len(shown.controls)}",
    ]
    for c in shown.controls:
        lines.append(f"  {c.name:22} {c.low:g}..{c.high:g}  {c.side:6} {c.region}".rstrip())
    return lines
