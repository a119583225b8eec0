"""Slow, obvious twins of what stillpix computes: plain loops over small frames.

Imports nothing of stillpix; every constant comes in as an argument.
"""

from __future__ import annotations

import math

import numpy as np


def cross_filtered(pixels, scale):
    """Return the cross filter [0 1 0; 1 4 1; 0 1 0] / 8 of a frame; 0 along its edge."""
    height, width = pixels.shape
    level = np.zeros((height, width))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            around = [pixels[y - 1, x], pixels[y + 1, x], pixels[y, x - 1], pixels[y, x + 1]]
            level[y, x] = scale * (4 * int(pixels[y, x]) + sum(map(int, around))) / 8
    return level


def residuals(level, reach):
    """Return how far each place is from its four opposite pairs, alike pairs counting more."""
    height, width = level.shape
    residual = np.zeros((height, width))
    for y in range(reach, height - reach):
        for x in range(reach, width - reach):
            weights, means = [], []
            for dx, dy in ((reach, 0), (0, reach), (reach, reach), (reach, -reach)):
                a, b = level[y + dy, x + dx], level[y - dy, x - dx]
                weights.append(1 / (abs(a - b) + 1))
                means.append((a + b) / 2)
            residual[y, x] = level[y, x] - np.average(means, weights=weights)
    return residual


def sigma_of(residual, x, y, reach, floor, largest):
    """Return the noise at a place: from the mean |residual| of eight neighbours, and a floor.

    The largest counts at most `largest` times the mean of the others.
    """
    steps = [(dx, dy) for dx in (-reach, 0, reach) for dy in (-reach, 0, reach) if dx or dy]
    *others, most = sorted(abs(residual[y + dy, x + dx]) for dx, dy in steps)
    spread = np.mean([*others, min(most, largest * np.mean(others))])
    return math.hypot(1.25 * spread, floor)


def tone_slope(predicted):
    """Return the tone curve's slope at a level of 0..255: that of p ** 0.4545 of linear light."""
    return 0.4545 * max(predicted / 255, 0.03) ** -1.2


FAR = 6  # px beyond an edge that any judgement of a pixel reads


def continued(pixels, *, repeats=False):
    """Return pixels that go on for FAR px beyond each edge: mirrored, or by whole patterns."""
    height, width = pixels.shape

    def source(at, length):
        while not 0 <= at < length:
            if repeats:
                at += 6 if at < 0 else -6
            else:
                at = -at if at < 0 else 2 * (length - 1) - at
        return at

    rows = [source(y, height) for y in range(-FAR, height + FAR)]
    columns = [source(x, width) for x in range(-FAR, width + FAR)]
    return np.array([[pixels[y, x] for x in columns] for y in rows])


def judged(pixels, scale, *, reach, clip, floor, white, largest):
    """Return excess, psi, slope / sigma and response / sigma of one photo, (4, rows, columns).

    The excess is that of the unfiltered pixel over its prediction, in grey levels of 0..255.
    """
    pixels = continued(pixels)
    height, width = pixels.shape
    level = cross_filtered(pixels, scale)
    residual = residuals(level, reach)
    said = np.zeros((4, height, width))
    for y in range(FAR, height - FAR):
        for x in range(FAR, width - FAR):
            sigma = sigma_of(residual, x, y, reach, floor, largest)
            predicted = level[y, x] - residual[y, x]
            usable = predicted <= white
            psi = min(max(residual[y, x] / sigma, -clip), clip) if usable else 0.0
            slope = tone_slope(predicted) / sigma if usable else 0.0
            response = 8 * max(predicted, 0) / 255 / sigma if usable else 0.0
            excess = scale * float(pixels[y, x]) - predicted
            said[:, y, x] = excess, psi, slope, response
    return said[:, FAR:-FAR, FAR:-FAR]


def weights(said, factors, clip):
    """Return how far each template's defect should stand out, clipped: (templates, ...)."""
    slope, response = said[2], said[3]
    *light, last = factors
    return np.minimum(np.stack([*(f * slope for f in light), last * response]), clip)


def counts(said, m, unit):
    """Return m psi of each template in whole units."""
    return np.floor(unit * m * said[1] + 0.5).astype(np.int64)


def information(m, block, rows, unit):
    """Return the mean m squared over some rows of each block, in units, of whole blocks."""
    templates, height, width = m.shape
    means = np.zeros((templates, height // block, width // block))
    for k in range(templates):
        for down in range(height // block):
            for across in range(width // block):
                columns = range(across * block, (across + 1) * block)
                squares = [m[k, down * block + row, x] ** 2 for row in rows for x in columns]
                means[k, down, across] = unit * sum(squares) / len(squares)
    return means


def moved(sums, places, cell):
    """Return sums moved right by some places, wrapped within the whole cells; the rest is 0."""
    width = sums.shape[-1]
    whole = width // cell * cell
    result = np.zeros_like(sums)
    for x in range(whole):
        result[..., (x + places) % whole] = sums[..., x]
    return result


def weight(information_, ballast):
    """Return one template's information with a share of its mean, and 1, added everywhere."""
    values = information_.tolist()
    mean = sum(map(sum, values)) / sum(map(len, values))
    return [[value + ballast * mean + 1 for value in row] for row in values]


def standardised(scores, weight_, *, block, unit, unit_information):
    """Return each sum over the root of its block's weight: one template."""
    height, width = scores.shape
    result = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            spread = math.sqrt(weight_[y // block][x // block] / unit_information)
            result[y, x] = scores[y, x] / unit / spread
    return result


def phase_spread(values, grid):
    """Return median and interquartile range / 1.349 of each phase's values, exact 0 left out."""
    middle, spread = np.zeros((grid, grid)), np.zeros((grid, grid))
    for row in range(grid):
        for column in range(grid):
            mine = np.zeros(values.shape, bool)
            mine[row::grid, column::grid] = True
            here = values[mine & (values != 0)]
            low, middle[row, column], high = np.quantile(here, (0.25, 0.5, 0.75))
            spread[row, column] = (high - low) / 1.349
    return middle, spread


def peaks(loudest, floor):
    """Return (x, y) of what is above a floor and the most within 2 px, the first of equals."""
    height, width = loudest.shape
    around = np.pad(loudest, 2)
    found = []
    for y in range(height):
        for x in range(width):
            here = loudest[y, x]
            near = [
                (around[y + 2 + dy, x + 2 + dx], (dy, dx))
                for dy in range(-2, 3)
                for dx in range(-2, 3)
            ]
            beaten = any(v > here or (v == here and place < (0, 0)) for v, place in near)
            if here > floor and not beaten:
                found.append((x, y))
    return found


def false_above(decoys, score, *, tail, floor, share):
    """Return how many false peaks to expect from a score on: fitted, never less than counted.

    The fitted variance is taken one standard error larger than it is.
    """
    ranked = sorted(decoys, reverse=True)
    start = ranked[tail - 1] if len(ranked) >= tail else floor
    beyond = [s for s in ranked if s >= start]
    variance = (sum(s * s - start * start for s in beyond) / 2 + 1) / (len(beyond) + 1)
    variance += variance / math.sqrt(len(beyond) + 1)
    above = max(score, start)
    fitted = (len(beyond) + 1) * math.exp(-(above**2 - start**2) / (2 * variance))
    return max(fitted, sum(s >= score for s in ranked)) / share


def one_a_response(found, *, near, far):
    """Return which of the peaks (x, y, score, |residual|), loudest first, stand on their own.

    near is (distance, share of the score, share of the residual) below which a weaker peak is
    explained by a stronger one that stands; far is (distance, share of the residual).
    """
    standing = []
    for i, (x, y, score, residual) in enumerate(found):
        explained = False
        for j in standing:
            other_x, other_y, other_score, other_residual = found[j]
            distance = max(abs(x - other_x), abs(y - other_y))
            weaker = score < near[1] * other_score or residual < near[2] * other_residual
            trace = residual < far[1] * other_residual
            if (distance <= near[0] and weaker) or (distance <= far[0] and trace):
                explained = True
        if not explained:
            standing.append(i)
    return standing


def crowded(found, *, area, crowd, within, in_line, denser):
    """Return which of the finds (x, y) are in a crowd of so many and more, not all in a line.

    A sensor of some area has a usual number of finds in a square as large: so many times as many
    (`denser`) must be there on top.
    """
    usual = len(found) * (2 * within + 1) ** 2 / area
    members = set()
    for x, y in found:
        near = [
            i
            for i, (other_x, other_y) in enumerate(found)
            if max(abs(x - other_x), abs(y - other_y)) <= within
        ]
        columns, rows = ({found[i][axis] for i in near} for axis in (0, 1))
        line = len(columns) <= in_line or len(rows) <= in_line
        if len(near) >= crowd + math.floor(denser * usual) and not line:
            members.update(near)
    return [i in members for i in range(len(found))]


def predicting(pattern, y, x):
    """Return the steps (dy, dx) to the photosites that predict one of a repeated pattern.

    They are the four nearest opposite pairs of its colour within 2 px, or where there are not
    four, all of its colour there.
    """
    rows, columns = len(pattern), len(pattern[0])
    reach = (-2, -1, 0, 1, 2)
    steps = [(dy, dx) for dy in reach for dx in reach if (dy, dx) != (0, 0)]
    own = pattern[y % rows][x % columns]
    same = [s for s in steps if pattern[(y + s[0]) % rows][(x + s[1]) % columns] == own]
    pairs = {max(s, (-s[0], -s[1])) for s in same if (-s[0], -s[1]) in same}
    if len(pairs) < 4:
        return same
    nearest = sorted(pairs, key=lambda s: (s[0] ** 2 + s[1] ** 2, s))[:4]
    return [(sign * dy, sign * dx) for dy, dx in nearest for sign in (1, -1)]


def noise_units(dn, slope, zero, least):
    """Return DN on a scale where noise of variance slope * DN + zero is 1, straight below least."""
    bend = (least - zero) / slope
    if dn >= bend:
        return 2 / slope * math.sqrt(slope * dn + zero)
    return 2 / slope * math.sqrt(least) + (dn - bend) / math.sqrt(least)


def dn_of(units, slope, zero, least):
    """Return the DN that noise_units makes a value of."""
    foot = 2 / slope * math.sqrt(least)
    if units >= foot:
        return ((units * slope / 2) ** 2 - zero) / slope
    return (least - zero) / slope + (units - foot) * math.sqrt(least)


def less_texture(residual):
    """Return residuals less what three of those above, below and beside it share at least."""
    height, width = residual.shape
    finished = np.zeros((height, width))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            beside = sorted(
                residual[y + dy, x + dx] for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1))
            )
            shared = beside[1] * beside[2] > 0
            common = min(beside[1:3], key=abs) if shared else 0.0
            finished[y, x] = residual[y, x] - common * (1 - 1 / (common**2 + 1))
    return finished


def mosaic_judged(pixels, pattern, noise, *, edges, limit, largest, black, dim, full):
    """Return excess (DN), psi, 1 / sigma and light / sigma (sigma in DN), (4, rows, columns).

    Noise is slope, zero and least; edges are left, top, right, bottom of what is judged. The
    largest of the neighbours' residuals counts `largest` times the mean of the others at most.
    """
    left, top, right, bottom = edges
    said = np.zeros((4, *pixels.shape))
    inner = continued(pixels[top:bottom, left:right], repeats=len(pattern[0]) == 6)
    rows, columns = len(pattern), len(pattern[0])
    shifted = [
        [pattern[(y + top - FAR) % rows][(x + left - FAR) % columns] for x in range(columns)]
        for y in range(rows)
    ]
    known = {"limit": limit, "largest": largest, "black": black, "dim": dim, "full": full}
    said[:, top:bottom, left:right] = _inner_judged(inner, shifted, noise, **known)
    return said


def _inner_judged(pixels, pattern, noise, *, limit, largest, black, dim, full):
    height, width = pixels.shape
    level = np.array([[noise_units(float(v), *noise) for v in row] for row in pixels])
    residual = np.zeros((height, width))
    for y in range(2, height - 2):
        for x in range(2, width - 2):
            around = sorted(level[y + dy, x + dx] for dy, dx in predicting(pattern, y, x))
            residual[y, x] = level[y, x] - np.mean(around[1:-1])
    if len(pattern[0]) > 1:  # those beside a photosite are of other colours
        residual = less_texture(residual)
    said = np.zeros((4, height, width))
    for y in range(FAR, height - FAR):
        for x in range(FAR, width - FAR):
            own = residual[y, x]
            near = predicting(pattern, y, x)
            *others, most = sorted(abs(residual[y + dy, x + dx]) for dy, dx in near)
            spread = np.mean([*others, min(most, largest * np.mean(others))])
            sigma = math.hypot(1.25 * spread, 1)
            expected = dn_of(level[y, x] - own, *noise)
            in_dn = sigma * math.sqrt(max(noise[0] * expected + noise[1], noise[2]))
            excess = float(pixels[y, x]) - expected
            if expected > full:
                said[0, y, x] = excess
                continue
            psi = own / math.hypot(sigma, own / limit)
            said[:, y, x] = excess, psi, 1 / in_dn, max(expected - black, dim) / in_dn
    return said[:, FAR:-FAR, FAR:-FAR]


def evened(said, edges):
    """Return what mosaic_judged says, its weights averaged over photosites of all colours.

    Along a row one quarter, one half and one quarter; then with the same of the row above, where
    that says anything. Beyond `edges` a row goes on as it ends.
    """
    left, top, right, bottom = edges
    out = said.copy()
    for k in (2, 3):
        along = np.zeros(said.shape[1:])
        for y in range(top, bottom):
            row = said[k, y, left:right]
            beside = np.concatenate([row[:1], row, row[-1:]])
            for x in range(right - left):
                along[y, left + x] = beside[x] / 4 + beside[x + 1] / 2 + beside[x + 2] / 4
        for y in range(top, bottom):
            for x in range(left, right):
                above = along[y - 1, x] if y > top else 0.0
                out[k, y, x] = (along[y, x] + above) / 2 if above > 0 else along[y, x]
    return out
