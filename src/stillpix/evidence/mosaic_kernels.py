"""The compiled inner loops for sensor mosaics: what one photo says of every photosite.

Works on arrays only; knows nothing of cameras or files. What rendered photos and mosaics have in
common is in sum_kernels. Rows are kept taken apart into planes, one for each column of the colour
pattern where that matters (X-Trans), so that all neighbours of a plane's photosites are shifted
slices of other planes, which the compiler can use vector instructions on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled, compiled_within
from .period_kernels import add_to_period
from .sum_kernels import (
    LARGEST,
    PAD,
    UNIT,
    add_decoys,
    add_information,
    add_row,
    decoy_row,
    stands_for_block,
)

REACH = 2  # rows and columns from a photosite to the farthest neighbour that predicts it
CROSS = 1  # rows and columns to those whose own residuals tell texture from a defect
LIMIT = 4.0  # sigmas that one photo can say at most
# And one dark frame: without a scene its neighbours predict well. Two that agree say enough for any
# sensor, 6 * 2**0.5 sigmas; a cosmic ray in one of two does not, 6 / 2**0.5.
DARK_LIMIT = 6.0
USUAL_BURST = 0.1  # fourth power of a sound photosite's psi, of LIMIT^2
PER_WHITE = 65535  # summed residuals count in so many parts of white

SHOWS = np.float32(2.0)  # sigmas, limited, from which a photo is said to show a defect
_AHEAD = 2 * REACH + CROSS  # rows to be read before one can be judged
_RING = 8  # rows kept: a power of two, more than _AHEAD
_PAD = 2  # cells on each side of a plane's row: no neighbour is farther
_MOST = np.float32(PER_WHITE)
# What a photo's curve holds, in this order; see mosaic.curve_of.
_PER_ROOT, _PER_DN, _AT_ZERO, _LEAST, _BEND, _BLACK, _DIM, _NEARLY_WHITE, _PER_COUNT, _LIMIT = (
    range(10)
)


@compiled_within
def _stabilise_row(photo: Any, curve: Any, out: Any) -> None:
    """Noise units of DN, from the bend on: the root of the noise's variance, straight below it."""
    per_root, per_dn, at_zero = curve[_PER_ROOT], curve[_PER_DN], curve[_AT_ZERO]
    least, bend = curve[_LEAST], curve[_BEND]
    flat, zero = np.sqrt(least), np.float32(0.0)
    steep = np.float32(1.0) / flat
    for x in range(photo.size):
        dn = np.float32(photo[x])
        root = np.sqrt(max(per_dn * dn + at_zero, least))
        out[x] = per_root * (root - flat) + steep * min(dn - bend, zero)


@compiled_within
def _read_row(photo: Any, curve: Any, flat: Any, planes: Any) -> None:
    """Noise units of one row, taken apart into planes (planes, cells)."""
    step = planes.shape[0]
    if step == 1:
        _stabilise_row(photo, curve, planes[0, _PAD : _PAD + photo.size])
        return
    _stabilise_row(photo, curve, flat)
    for p in range(step):
        cells = planes[p, _PAD:]
        for i in range((flat.size - p + step - 1) // step):
            cells[i] = flat[p + step * i]


@compiled_within
def _beside(rows: Any, y: int, column: int, size: int) -> Any:
    """Photosites of row y, by its plane, from that at a column on, which may be negative."""
    start = _PAD + column // rows.shape[1]
    return rows[y % _RING, column % rows.shape[1], start : start + size]


@compiled_within
def _near(rows: Any, y: int, plane: int, site: Any, size: int) -> Any:
    """Neighbours of a plane's row, one for each of its photosites."""
    return _beside(rows, y + site[0], plane + site[1], size)


@compiled_within
def _less_eight(here: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any,
                out: Any) -> None:  # fmt: skip
    """Difference from the mean of eight without the largest and the smallest of them."""
    sixth = np.float32(1 / 6)
    for x in range(out.size):
        most = max(a[x], b[x], c[x], d[x], e[x], f[x], g[x], h[x])
        least = min(a[x], b[x], c[x], d[x], e[x], f[x], g[x], h[x])
        total = a[x] + b[x] + c[x] + d[x] + e[x] + f[x] + g[x] + h[x]
        out[x] = here[x] - sixth * (total - most - least)


@compiled_within
def _less_five(here: Any, a: Any, b: Any, c: Any, d: Any, e: Any, out: Any) -> None:
    """Difference from the mean of five without the largest and the smallest of them."""
    third = np.float32(1 / 3)
    for x in range(out.size):
        most = max(a[x], b[x], c[x], d[x], e[x])
        least = min(a[x], b[x], c[x], d[x], e[x])
        total = a[x] + b[x] + c[x] + d[x] + e[x]
        out[x] = here[x] - third * (total - most - least)


@compiled_within
def _residual_row(level: Any, y: int, sites: Any, numbers: Any, width: int, out: Any) -> None:
    """Difference of one row's photosites from what their neighbours predict, in noise units."""
    step = level.shape[1]
    for p in range(step):
        size = (width - p + step - 1) // step
        here = level[y % _RING, p, _PAD : _PAD + size]
        residual = out[y % _RING, p, _PAD : _PAD + size]
        near = sites[p]
        a, b = _near(level, y, p, near[0], size), _near(level, y, p, near[1], size)
        c, d = _near(level, y, p, near[2], size), _near(level, y, p, near[3], size)
        e = _near(level, y, p, near[4], size)
        if numbers[p] == 8:
            f, g = _near(level, y, p, near[5], size), _near(level, y, p, near[6], size)
            h = _near(level, y, p, near[7], size)
            _less_eight(here, a, b, c, d, e, f, g, h, residual)
        else:
            _less_five(here, a, b, c, d, e, residual)


@compiled_within
def _less_texture(here: Any, a: Any, b: Any, c: Any, d: Any, out: Any) -> None:
    """Residuals less what three of the four beside them share, as far as it is above the noise."""
    one, zero = np.float32(1.0), np.float32(0.0)
    for x in range(out.size):
        # the middle two of four; of them the one nearer to zero, or zero between them
        p, q = max(min(a[x], b[x]), min(c[x], d[x])), min(max(a[x], b[x]), max(c[x], d[x]))
        common = max(min(p, q), zero) + min(max(p, q), zero)
        square = common * common
        out[x] = here[x] - common * square / (square + one)


@compiled_within
def _finish_row(rough: Any, y: int, width: int, textured: Any, out: Any) -> None:
    """Residuals of one row, less what the photosites of other colours beside them share."""
    step = rough.shape[1]
    for p in range(step):
        size = (width - p + step - 1) // step
        here, done = rough[y % _RING, p, _PAD : _PAD + size], out[y % _RING, p, _PAD : _PAD + size]
        if textured:
            up, down = _beside(rough, y - 1, p, size), _beside(rough, y + 1, p, size)
            left, right = _beside(rough, y, p - 1, size), _beside(rough, y, p + 1, size)
            _less_texture(here, up, down, left, right, done)
        else:
            for x in range(size):
                done[x] = here[x]


@compiled_within
def _spread_of_eight(
    a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, out: Any
) -> None:
    """1.25 times the mean size of residuals, of which the largest counts LARGEST at most.

    That is times the mean of the others: what is broken beside a photosite does not hide it.
    """
    share, most = np.float32(1.25 / 8), np.float32(LARGEST / 7)
    for x in range(out.size):
        p, q, r, s = abs(a[x]), abs(b[x]), abs(c[x]), abs(d[x])
        t, u, v, w = abs(e[x]), abs(f[x]), abs(g[x]), abs(h[x])
        largest = max(p, q, r, s, t, u, v, w)
        others = p + q + r + s + t + u + v + w - largest
        out[x] = share * (others + min(largest, most * others))


@compiled_within
def _spread_of_five(a: Any, b: Any, c: Any, d: Any, e: Any, out: Any) -> None:
    """1.25 times the mean size of five residuals, of which the largest counts LARGEST at most."""
    share, most = np.float32(1.25 / 5), np.float32(LARGEST / 4)
    for x in range(out.size):
        p, q, r, s, t = abs(a[x]), abs(b[x]), abs(c[x]), abs(d[x]), abs(e[x])
        largest = max(p, q, r, s, t)
        others = p + q + r + s + t - largest
        out[x] = share * (others + min(largest, most * others))


@compiled
def _spread_of_plane(
    residual: Any, y: int, plane: int, sites: Any, number: int, out: Any
) -> None:  # fmt: skip
    """How far one plane's photosites of a row depart from predictions, as their neighbours do."""
    size = out.size
    a, b = _near(residual, y, plane, sites[0], size), _near(residual, y, plane, sites[1], size)
    c, d = _near(residual, y, plane, sites[2], size), _near(residual, y, plane, sites[3], size)
    e = _near(residual, y, plane, sites[4], size)
    if number == 8:
        f, g = (
            _near(residual, y, plane, sites[5], size),
            _near(residual, y, plane, sites[6], size),
        )
        h = _near(residual, y, plane, sites[7], size)
        _spread_of_eight(a, b, c, d, e, f, g, h, out)
    else:
        _spread_of_five(a, b, c, d, e, out)


@compiled_within
def _judge_plane(
    level: Any, residual: Any, spread: Any, curve: Any,
    psi: Any, slope: Any, response: Any, predicted: Any,
) -> None:  # fmt: skip
    """Limited residual in sigmas; 1 / sigma and light / sigma, with sigma in DN; predicted DN."""
    root_per, dn_per, at_zero = (
        np.float32(1.0) / curve[_PER_ROOT], np.float32(1.0) / curve[_PER_DN], curve[_AT_ZERO],
    )  # fmt: skip
    least, nearly_white = curve[_LEAST], curve[_NEARLY_WHITE]
    black, dim = curve[_BLACK], curve[_DIM]
    flat = np.sqrt(least)
    one, zero, limit = np.float32(1.0), np.float32(0.0), curve[_LIMIT]
    part = one / (limit * limit)
    for x in range(psi.size):
        r = residual[x]
        expected = level[x] - r
        noise = max(expected * root_per, zero) + flat
        dn = (noise * noise - at_zero) * dn_per + min(expected, zero) * flat
        usable = zero if dn > nearly_white else one
        variance = spread[x] * spread[x] + one
        psi[x] = usable * r / np.sqrt(variance + part * (r * r))
        inverse = usable / (np.sqrt(variance) * noise)
        slope[x] = inverse
        response[x] = max(dn - black, dim) * inverse
        predicted[x] = dn


@compiled
def _judge_row(
    level: Any, residual: Any, y: int, sites: Any, numbers: Any, curve: Any, planes: Any,
    said: Any,
) -> None:  # fmt: skip
    """Judge one row: psi, slope, response and predicted DN into the rows of `said` (4, width).

    planes is (5, cells): room for one plane's spread and what is said of it.
    """
    step, width = level.shape[1], said.shape[1]
    for p in range(step):
        size = (width - p + step - 1) // step
        here = level[y % _RING, p, _PAD : _PAD + size]
        own = residual[y % _RING, p, _PAD : _PAD + size]
        spread = planes[4, :size]
        _spread_of_plane(residual, y, p, sites[p], numbers[p], spread)
        if step == 1:
            _judge_plane(here, own, spread, curve, said[0], said[1], said[2], said[3])
            continue
        one, two, three, four = (
            planes[0, :size],
            planes[1, :size],
            planes[2, :size],
            planes[3, :size],
        )
        _judge_plane(here, own, spread, curve, one, two, three, four)
        for i in range(size):
            x = p + step * i
            said[0, x], said[1, x] = one[i], two[i]
            said[2, x], said[3, x] = three[i], four[i]


@compiled_within
def _show_row(
    psi: Any, photo: Any, predicted: Any, per_count: Any, shown: Any, excess: Any
) -> None:
    """Count the photos that clearly show something, signed, and sum what they show."""
    rounding, middle = np.float32(65536.5), np.int32(65536)
    for x in range(psi.size):
        sign = np.int32(psi[x] >= SHOWS) - np.int32(psi[x] <= -SHOWS)
        shown[x] += sign
        above = per_count * (np.float32(photo[x]) - predicted[x])
        value = np.int32(min(max(above, -_MOST), _MOST) + rounding) - middle
        excess[x] += np.int32(abs(sign)) * value


@compiled_within
def _burst_row(said: Any, left: int, right: int, out: Any) -> None:
    """Fourth powers of one row's psi, of LIMIT^2, less the usual, in counts; 0 where none is."""
    psi, slope = said[0, PAD + left : PAD + right], said[1, PAD + left : PAD + right]
    unit, rounding, middle = np.float32(UNIT), np.float32(32768.5), np.int32(32768)
    part, usual = np.float32(1 / LIMIT**2), np.float32(USUAL_BURST)
    zero, cells = np.float32(0.0), out[left:right]
    for x in range(left):
        out[x] = 0
    for x in range(right, out.size):
        out[x] = 0
    for x in range(psi.size):
        square = psi[x] * psi[x]
        above = part * square * square - usual if slope[x] > zero else zero
        cells[x] = np.int32(unit * above + rounding) - middle


@compiled_within
def _add_bursts(
    said: Any, edges: Any, strips: Any, y: int, counts: Any, bursts: Any, group_bursts: Any
) -> None:
    """Add one row to the bursts, and to those of the photo's group."""
    strip, thin = strips
    _burst_row(said, edges[0], edges[2], counts)
    row = bursts[y]
    for x in range(counts.size):
        row[x] += counts[x]
    moved = decoy_row(y, thin, strip)
    if moved >= 0:
        group = group_bursts[moved]
        for x in range(counts.size):
            group[x] += counts[x]


@compiled_within
def _read_ahead(
    photo: Any, ahead: int, curve: Any, pattern: Any, flat: Any,
    level: Any, rough: Any, residual: Any,
) -> None:  # fmt: skip
    """Read row `ahead`, and take the residuals of rows above it: rough ones, and finished ones."""
    sites, numbers, textured = pattern
    height, width = photo.shape
    y = ahead - REACH
    if ahead < height:
        _read_row(photo[ahead], curve, flat, level[ahead % _RING])
    if REACH <= y < height - REACH:
        at = y % numbers.shape[0]
        _residual_row(level, y, sites[at], numbers[at], width, rough)
    if REACH + CROSS <= y < height - REACH:
        _finish_row(rough, y - CROSS, width, textured, residual)


@compiled_within
def _keep_within(edges: Any, said: Any) -> None:
    """Say nothing outside the edges, and take the weights there for those beside it.

    A block's information is a mean over all its columns, of which some may lie outside.
    """
    left, right = PAD + edges[0], PAD + edges[2]
    for k in range(3):
        row = said[k]
        before, behind = (row[left], row[right - 1]) if k > 0 else (np.float32(0), np.float32(0))
        for x in range(left):
            row[x] = before
        for x in range(right, row.size):
            row[x] = behind


@compiled_within
def _even_out(said: Any, y: int, along: Any) -> None:
    """Replace one row's weights by their means with those beside and above, of other colours.

    A block's information is a mean over its colours: weights of their own would not fit it.
    along is (2 weights, 2 rows, width): means along this row and, of the call before, the last.
    """
    quarter, half, zero = np.float32(0.25), np.float32(0.5), np.float32(0.0)
    end = along.shape[2] - 1
    for k in range(2):
        own, row, above = said[1 + k], along[k, y % 2], along[k, 1 - y % 2]
        row[0], row[end] = own[0], own[end]
        for x in range(1, end):
            row[x] = quarter * (own[x - 1] + own[x + 1]) + half * own[x]
        for x in range(row.size):
            own[x] = half * (row[x] + (above[x] if above[x] > zero else row[x]))


@compiled_within
def _add_decoys_and_information(
    psi: Any, slope: Any, response: Any, factors: Any, weights: Any, informs: Any, strips: Any,
    y: int, counts: Any, blocks: Any, information: Any, own: Any,
) -> None:  # fmt: skip
    """Add one row to the photo's group and period, and to the information of its blocks."""
    (strip, thin), (group, period) = strips, own
    moved = decoy_row(y, thin, strip)
    if moved >= 0:
        add_decoys(slope, response, psi, factors, weights, moved, counts, group[0])
    add_to_period(slope, response, psi, factors, weights, y, moved, counts, informs, period)
    if informs:
        add_information(slope, response, factors, weights, y, moved, blocks, information, group[1])


@compiled
def accumulate_mosaic(
    photos: Any, count: int, curves: Any, factors: Any, weights: Any, turns: Any, pattern: Any,
    strips: Any, edges: Any, groups: Any, periods: Any, first: int, last: int,
    scores: Any, information: Any, shown: Any, excess: Any, bursts: Any,
) -> None:  # fmt: skip
    """Add what rows first..last of the first `count` photos say to the sums.

    pattern is the neighbours' (rows, planes, 8, 2) steps (dy, dx), (rows, planes) numbers, 5 or 8,
    and whether those beside a photosite are of other colours. strips is the height of the decoys'
    strips, and how many strips there are to one of them; edges the left, top, right and bottom of
    what is judged; groups, periods and turns are as for rendered photos, and photos are mirrored
    like those. `first` must be a multiple of BLOCK; rows outside are read as neighbours, never
    written.
    """
    (sites, numbers, colours), (left, top, right, bottom) = pattern, edges
    width, (rows, step), inner = photos[0].shape[1], numbers.shape, slice(PAD, PAD + shown.shape[1])
    room = (width + step - 1) // step + 2 * _PAD
    rings = np.zeros((3, len(photos), _RING, step, room), np.float32)
    level, rough, residual = rings[0], rings[1], rings[2]
    said, planes = np.zeros((4, width), np.float32), np.zeros((5, room), np.float32)
    flat, counts = np.zeros(width, np.float32), np.zeros(shown.shape[1], np.int32)
    along = np.zeros((len(photos), 2, 2, width), np.float32)
    blocks = np.zeros(information.shape[2], np.int64)
    end = min(last, bottom) if left < right else first
    psi, expected, slopes, responses = said[0, inner], said[3, inner], said[1, PAD:], said[2, PAD:]
    for ahead in range(first - 1 + PAD - _AHEAD, end + PAD + _AHEAD):
        row = ahead - _AHEAD
        y = row - PAD
        for n in range(count):
            r, f, curve, own = residual[n], factors[n], curves[n], (groups[n], periods[n])
            _read_ahead(photos[n], ahead, curve, pattern, flat, level[n], rough[n], r)
            if y < max(first - 1, top):
                continue
            _judge_row(level[n], r, row, sites[y % rows], numbers[y % rows], curve, planes, said)
            _keep_within(edges, said)
            if y >= first:
                photo = photos[n][row, inner]
                _show_row(psi, photo, expected, curve[_PER_COUNT], shown[y], excess[y])
                _add_bursts(said, edges, strips, y, counts, bursts, groups[n][2])
            if colours:
                _even_out(said, y, along[n])
            if y >= first:
                add_row(slopes, responses, psi, f, weights, scores, y)
                informs = stands_for_block(y, turns[n], top, bottom)
                _add_decoys_and_information(
                    psi, slopes, responses, f, weights, informs, strips, y, counts, blocks,
                    information, own,
                )  # fmt: skip


@compiled
def show_mosaic(
    photo: Any, curve: Any, pattern: Any, edges: Any, first: int, last: int, shown: Any
) -> None:
    """Count in rows first..last what one photo clearly shows, signed, and add nothing else up.

    By the rule of `accumulate_mosaic`, and with its arguments.
    """
    (sites, numbers, _), (left, top, right, bottom) = pattern, edges
    width, (rows, step) = photo.shape[1], numbers.shape
    room = (width + step - 1) // step + 2 * _PAD
    level = np.zeros((_RING, step, room), np.float32)
    rough = np.zeros((_RING, step, room), np.float32)
    residual = np.zeros((_RING, step, room), np.float32)
    said, planes = np.zeros((4, width), np.float32), np.zeros((5, room), np.float32)
    flat = np.zeros(width, np.float32)
    end = min(last, bottom) if left < right else first
    psi = said[0, PAD:]
    for ahead in range(first + PAD - _AHEAD, end + PAD + _AHEAD):
        row = ahead - _AHEAD
        y = row - PAD
        _read_ahead(photo, ahead, curve, pattern, flat, level, rough, residual)
        if y >= first and y >= top:
            near = sites[y % rows], numbers[y % rows]
            _judge_row(level, residual, row, near[0], near[1], curve, planes, said)
            counts = shown[y]
            for x in range(left, right):
                counts[x] += np.int32(psi[x] >= SHOWS) - np.int32(psi[x] <= -SHOWS)
