"""A slow, obvious twin of the prediction that repairs rest on: plain loops over one small window.

Imports nothing of stillpix; every constant comes in as an argument.
"""

from __future__ import annotations

import math

import numpy as np


def offsets(down, across):
    """Return the (row, column) steps of a hole or patch around its middle, row by row."""
    return [(r, c) for r in range(-down, down + 1) for c in range(-across, across + 1)]


def predicted(
    window, sound, reaches, *, ring, search, period, alike, ridge, fewest, trust, nothing=128.0
):
    """Return mean and covariance of what should stand in the hole in a window's middle."""
    middle = window.shape[0] // 2
    hole = offsets(*reaches)
    patch = offsets(reaches[0] + ring, reaches[1] + ring)
    around = [step for step in patch if step not in hole]
    around = [(r, c) for r, c in around if sound[middle + r, middle + c]]
    if not around:
        return np.full(len(hole), nothing), np.eye(len(hole)) * nothing**2

    def at(steps, row, column):
        return np.array([window[row + r, column + c] for r, c in steps])

    own_hole = {(middle + r, middle + c) for r, c in hole}
    steps = [n * period for n in range(-(search // period), search // period + 1)]
    teachers = []
    for row, column in ((middle + down, middle + across) for down in steps for across in steps):
        needed = {(row + r, column + c) for r, c in patch}
        believed = {(row + r, column + c) for r, c in hole + around}
        if not needed & own_hole and all(sound[place] for place in believed):
            teachers.append((at(around, row, column), at(hole, row, column)))
    here = at(around, middle, middle)
    if len(teachers) < fewest:
        return np.full(len(hole), here.mean()), np.eye(len(hole)) * (here.var() + 1)
    return _regressed(teachers, here, alike=alike, ridge=ridge, trust=trust)


def _regressed(teachers, here, *, alike, ridge, trust):
    level, here = here.mean(), here - here.mean()
    teachers = [(ring - ring.mean(), hole - ring.mean()) for ring, hole in teachers]
    unlike = [float(np.mean((ring - here) ** 2)) for ring, _ in teachers]
    scale = sorted(unlike)[min(alike, len(unlike)) - 1] + 1
    weights = [math.exp(-u / (2 * scale)) for u in unlike]
    weights = [weight / sum(weights) for weight in weights]
    ring_mean = sum(w * ring for w, (ring, _) in zip(weights, teachers, strict=True))
    hole_mean = sum(w * hole for w, (_, hole) in zip(weights, teachers, strict=True))
    normal, mixed = ridge * np.eye(here.size), np.zeros((here.size, hole_mean.size))
    for weight, (ring, hole) in zip(weights, teachers, strict=True):
        normal += weight * np.outer(ring - ring_mean, ring - ring_mean)
        mixed += weight * np.outer(ring - ring_mean, hole - hole_mean)
    slopes = np.linalg.inv(normal) @ mixed
    covariance = np.zeros((hole_mean.size, hole_mean.size))
    for weight, (ring, hole) in zip(weights, teachers, strict=True):
        error = hole - hole_mean - (ring - ring_mean) @ slopes
        covariance += trust * weight * np.outer(error, error)
    return level + hole_mean + (here - ring_mean) @ slopes, covariance
