// Where places of a map lie in a photo whose camera corrects its lens's distortion.

const STEPS = 40; // each makes the error ten times smaller at least

/**
 * Return where a place of the map lies in a photo; null where that is not known.
 *
 * A photo's radius r, in half diagonals from its middle, shows the map's r (1 + a + b r^2 + c r^4).
 */
export function inPhoto(place, photo) {
  if (!photo?.terms) return place;
  if (!photo.terms.length) return null;
  const [a, b, c] = photo.terms;
  const middle = { x: (photo.width - 1) / 2, y: (photo.height - 1) / 2 };
  const from = { x: place.x - middle.x, y: place.y - middle.y };
  const radius = Math.hypot(from.x, from.y) / Math.hypot(middle.x, middle.y);
  let share = 1;
  for (let step = 0; step < STEPS; step += 1) {
    const squared = (radius * share) ** 2;
    share = 1 / Math.min(Math.max(1 + a + squared * (b + squared * c), 0.5), 2);
  }
  return { x: Math.round(middle.x + from.x * share), y: Math.round(middle.y + from.y * share) };
}
