"""Operators whose work is a generator: step by step under a timer in the window, straight through without one."""

from __future__ import annotations

import time

import bpy

from .core.client import Steps
from .core.trouble import Trouble

STEP_SECONDS = 0.02
"""How long the window may wait for a step."""
EVERY_SECONDS = 0.03
running: list = []
"""The operator that works now, at most one."""


class Working:
    """Mix in and give ``work(context)``, a generator of (what, share) that returns the sentence to report. It changes
    the scene only at its end, and undoes what it made when it is closed before."""

    bl_options = {"REGISTER", "UNDO"}

    def work(self, context) -> Steps:
        raise NotImplementedError

    def execute(self, context):
        self.steps = self.work(context)
        try:
            while not self._step(context, 1.0):
                pass
            return {"FINISHED"}
        except Trouble as error:
            return self._failed(context, error)
        finally:
            self.steps.close()
            _tell(context, "", 0.0)

    def invoke(self, context, event):
        if bpy.app.background or context.window is None:
            return self.execute(context)
        if running:
            self.report({"WARNING"}, "facegen is at work already; wait, or cancel it with Esc")
            return {"CANCELLED"}
        self.steps = self.work(context)
        self.stop = False
        running.append(self)
        self.timer = context.window_manager.event_timer_add(EVERY_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type == "ESC" or self.stop:
            self._end(context)
            return self._failed(context, Trouble("cancelled", "nothing was changed"), {"WARNING"})
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            done = self._step(context, STEP_SECONDS)
        except Trouble as error:
            self._end(context)
            return self._failed(context, error)
        except Exception:
            self._end(context)
            raise
        if done:
            self._end(context)
            return {"FINISHED"}
        return {"RUNNING_MODAL"}

    def _step(self, context, seconds: float) -> bool:
        """Go on for at most ``seconds``; whether all is done."""
        end = time.perf_counter() + seconds
        try:
            while True:
                what, share = next(self.steps)
                if what:
                    _tell(context, what, share)
                if time.perf_counter() > end or not what:
                    return False
        except StopIteration as done:
            self._said(context, done.value or "", False)
            if done.value:
                self.report({"INFO"}, done.value)
            return True

    def _end(self, context) -> None:
        self.steps.close()
        context.window_manager.event_timer_remove(self.timer)
        running.clear()
        _tell(context, "", 0.0)

    def _failed(self, context, error: Trouble, kind=frozenset({"ERROR"})):
        self._said(context, str(error), True)
        self.report(set(kind), str(error))
        return {"CANCELLED"}

    @staticmethod
    def _said(context, text: str, failed: bool) -> None:
        state = context.scene.facegen
        state.message, state.failed = text, failed


def _tell(context, what: str, share: float) -> None:
    state = context.scene.facegen
    if (state.step, round(state.share)) != (what, round(100 * share)):
        state.step, state.share = what, 100 * share
        for window in context.window_manager.windows:
            for area in window.screen.areas:
                if area.type in ("VIEW_3D", "PREFERENCES"):
                    area.tag_redraw()
