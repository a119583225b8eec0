// What the words of the page mean: in a drawer, and as a hint beside each word.

import { at, make } from "./elements.js";
import { store } from "./store.js";

const WORDS = {
  state: "What is decided about a pixel. Confirmed: the photos leave little doubt, so it is repaired. Candidate: doubtful, repaired only if you accept it. Accepted and rejected: you decided, and a later find keeps that.",
  doubt: "The share of the finds at least as clear as this one that are likely wrong: 0.01 means one in a hundred. Also called q, the false-discovery rate.",
  strength: "How many grey levels of 255 the pixel differs from its neighbours, in the median photo that shows it. More is easier to see.",
  score: "How far the pixel stands out over all photos, in standard deviations of sound pixels. 6 and more rarely comes about by chance.",
  "seen in": "The share of the photos that show the pixel, and how many could have shown it. Where a photo is nearly white, or its shutter was short, a pixel may not show.",
  since: "Between which two photos it broke. By a date: it was broken then already, perhaps before the first photo.",
  contrast: "Raised: each picture is stretched from its darkest to its brightest value. The pixel itself is never cut off.",
  map: "The list of one camera's broken pixels. It belongs to one camera body, since every sensor breaks in its own way.",
};

/** Return what a word means, "" where the page has no words for it. */
export const meaning = (word) => WORDS[word] ?? store.state.kinds[word] ?? "";

/** Return a word that shows its meaning, and leads to the drawer. */
export function term(word, text = word) {
  return meaning(word) ? make("button", { type: "button", class: "term", title: meaning(word), on: { click: () => open(word) } }, text) : text;
}

export function beginGlossary() {
  const entries = [...Object.keys(store.state.kinds).map((kind) => [kind, store.state.kinds[kind]]), ...Object.entries(WORDS)];
  at("words-list").replaceChildren(...entries.map(([word, text]) =>
    make("div", { "data-word": word }, make("dt", {}, word), make("dd", {}, text))));
  at("show-words").addEventListener("click", () => open());
}

function open(word = "") {
  at("words").showModal();
  for (const each of at("words-list").children) {
    each.classList.toggle("asked", each.dataset.word === word);
    if (each.dataset.word === word) each.scrollIntoView({ block: "center" });
  }
}
