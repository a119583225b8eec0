// Numbers and records in words.

export const counted = (count, noun) => `${count || "no"} ${noun}${count === 1 ? "" : "s"}`;

export function duration(seconds) {
  if (seconds === null) return "";
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function few(number) {
  if (number === 0) return "0";
  return Math.abs(number) < 0.001 ? number.toExponential(0) : String(Number(number.toPrecision(2)));
}

export const signed = (number) => `${number > 0 ? "+" : ""}${Math.abs(number) < 10 ? number : Math.round(number)}`;

/** Return how many of a map's confirmed pixels are likely wrong, in words. */
export function expectedFalse(map) {
  if (map.expected_false === null || !map.confirmed) return "";
  if (map.expected_false < 0.0001) return "Less than 1 in 10,000 chance that any confirmed one is wrong.";
  if (map.expected_false < 0.02) {
    const one = Number((1 / map.expected_false).toPrecision(2)).toLocaleString("en");
    return `1 in ${one} chance that any confirmed one is wrong.`;
  }
  return `Expect ${few(map.expected_false)} of the confirmed ones to be wrong.`;
}

/** Return what else is to be known of a map, a sentence each. */
export const remarksOf = (map) =>
  (map?.remarks ?? []).map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`);

export const STATES = {
  confirmed: "confirmed",
  candidate: "candidate",
  accepted: "accepted by you",
  rejected: "rejected by you",
};

/** Return whether a map is of videos, whose frames the page does not show. */
export const isVideo = (map) => map.sensor.which.startsWith("video");

export const placeOf = (defect) => `${defect.x}, ${defect.y}`;

export const keyOf = (defect) => `${defect.x},${defect.y},${defect.along ?? ""}`;

export const nameOf = (defect) => {
  const kind = defect.kind === "unknown" ? "pixel" : defect.kind;
  return defect.along ? `${kind} ${defect.along}` : kind;
};

export function factsOf(defect) {
  const facts = [["state", STATES[defect.state]], ["kind", defect.kind]];
  if (defect.strength !== null) facts.push(["strength", `${defect.strength > 0 ? "+" : ""}${defect.strength.toFixed(1)} grey levels`]);
  if (defect.score) facts.push(["score", defect.score.toFixed(1)]);
  facts.push(["doubt", defect.score ? few(defect.q) : "not measured"]);
  if (defect.seen) facts.push(["seen in", `${Math.round(defect.seen[0] * 100)} % of ${defect.seen[1]}`]);
  if (defect.since) {
    const [from, to] = defect.since;
    facts.push(["since", from === to ? `by ${to}` : `${from} to ${to}`]);
  }
  return facts;
}

export function ofPhoto(photo) {
  const parts = [photo.name];
  if (photo.exposure_s) {
    const seconds = photo.exposure_s;
    parts.push(seconds < 0.4 ? `1/${Math.round(1 / seconds)} s` : `${Number(seconds.toPrecision(2))} s`);
  }
  if (photo.gain) parts.push(`ISO ${Math.round(photo.gain * 100)}`);
  return parts.join(" · ");
}

/** Hot pixels show where the exposure was long. */
export const charge = (photo) => (photo.exposure_s ?? 0) * (photo.gain ?? 1);

/** The most doubtful first: the share of false finds at which it would just be listed. */
export const byDoubt = (defects) =>
  [...defects].sort((one, other) => other.q - one.q || one.score - other.score || one.y - other.y || one.x - other.x);
