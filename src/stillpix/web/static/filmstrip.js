// The photos of a folder in a row, to go through as on a light table. Thumbnails load when they are
// near.

import { fill, make } from "./elements.js";
import { address } from "./server.js";
import { ofPhoto } from "./words.js";

const AROUND = 60; // photos on each side of the one that is shown: a folder may have thousands

/** Show photos in a list, the one with this id as chosen; `onChoose` gets an id. */
export function showFilmstrip(list, photos, id, onChoose) {
  const now = Math.max(photos.findIndex((each) => each.id === id), 0);
  const from = Math.max(now - AROUND, 0);
  const near = photos.slice(from, now + AROUND + 1);
  const signature = JSON.stringify(near.map((each) => [each.id, each.trouble]));
  if (list.dataset.shown !== signature) {
    list.dataset.shown = signature;
    fill(list, ...near.map((photo, n) => entryOf(photo, `${from + n + 1} of ${photos.length}`, onChoose)));
  }
  for (const button of list.querySelectorAll("button")) {
    const chosen = button.dataset.photo === id;
    button.setAttribute("aria-pressed", String(chosen));
    if (chosen) middle(list, button.parentElement);
  }
}

function entryOf(photo, place, onChoose) {
  const why = photo.trouble ? `${photo.name} cannot be shown: ${photo.trouble}` : `${ofPhoto(photo)} (${place})`;
  const picture = photo.trouble ? make("span", { class: "no-picture" }, "no picture")
    : make("img", { src: address(`api/photos/${photo.id}/thumbnail`), alt: "", width: 96, height: 64, loading: "lazy",
      on: { error: (event) => event.target.replaceWith(make("span", { class: "no-picture" }, "no picture")) } });
  return make("li", {}, make("button", {
    type: "button", title: why, "aria-label": why, "data-photo": photo.id, disabled: Boolean(photo.trouble),
    on: { click: () => onChoose(photo.id) },
  }, picture));
}

/** Scroll the list alone, not the page around it. */
function middle(list, entry) {
  list.scrollLeft = entry.offsetLeft - (list.clientWidth - entry.clientWidth) / 2;
}
