"""Bounded least squares, the one problem behind retargeting, learnt maps, vertex solving and face tracking.

Every solver of this package finds the control values ``x[t]`` of frames ``t`` that explain a goal under limits. With
``A`` the effect of the controls, ``b[t]`` the goal, ``H = A' A`` (the *gram* matrix) and ``g[t] = A' b[t]`` (the *moment*):

    minimise    sum_t  x[t]' H x[t] / 2 - g[t]' x[t] + sparse' x[t] + ridge' x[t]^2 / 2 + smooth' (x[t+1] - x[t])^2 / 2
    subject to  low <= x[t] <= high

====================================  ==========================================================================
``solve_coordinate_descent``          the whole problem; exact steps, one control at a time
``solve_with_correctives``            the same where products of controls (corrective shapes) move the mesh too
``solve_active_set``                  a given choice of controls, the others 0; no smoothness
``solve_admm``                        all terms but the price, in few iterations where smoothness is strong
``solve_piecewise_linear``            ``A x`` replaced by a sum of piecewise linear curves, with clamped goals
====================================  ==========================================================================

Each file gives the paper that its method comes from.
"""

from facegen.rig.least_squares.active_set import solve_active_set
from facegen.rig.least_squares.admm import solve_admm
from facegen.rig.least_squares.coordinate_descent import solve_coordinate_descent, solve_with_correctives
from facegen.rig.least_squares.piecewise_linear import PiecewiseLinearColumn, solve_piecewise_linear
from facegen.rig.least_squares.problem import BoundedProblem

__all__ = [
    "BoundedProblem",
    "PiecewiseLinearColumn",
    "solve_active_set",
    "solve_admm",
    "solve_coordinate_descent",
    "solve_piecewise_linear",
    "solve_with_correctives",
]
