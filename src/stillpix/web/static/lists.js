// Maps for other programs, and back: downloads by the program that reads them, the report, import.

import { at, fill, make, offer, say, tried } from "./elements.js";
import { address, give } from "./server.js";
import { forget, store } from "./store.js";
import { counted } from "./words.js";

const OWN = "stillpix";
let maps = [];

export function beginImport() {
  at("import-form").addEventListener("submit", (event) => {
    event.preventDefault();
    take(at("import-file").files[0]);
  });
}

/** Show what can be taken along of a folder's cameras, and of the photo that is shown. */
export function showDownloads(folder, photo) {
  maps = store.state.maps.filter((map) => map.has_map && folder.bodies.some((body) => body.map === map.id));
  const signature = JSON.stringify([maps, photo]);
  const place = at("downloads");
  if (place.dataset.shown === signature) return; // what a person has opened stays open
  place.dataset.shown = signature;
  fill(place,
    photo ? make("p", {}, link(`api/photos/${photo.id}/repaired`, `${photo.name}, repaired`, true)) : null,
    ...(maps.length > 1 ? maps.map((map) => make("details", {}, make("summary", {}, map.name), mapLists(map, { titled: false }))) : maps.map(mapLists)),
    maps.length ? null : make("p", {}, "There is no map for these photos yet: find their broken pixels first."));
  at("import-form").hidden = !maps.length;
  const readable = (maps[0]?.formats ?? []).filter((each) => each.why_not === null && each.name !== OWN && each.name !== "ccddata");
  offer(at("import-format"), readable.map((each) => ({ value: each.name, text: inWords(each) })));
}

const inWords = (format) => `${format.program} (${format.suffix})`;

const link = (path, text, keep) => make("a", keep ? { href: address(path), download: "" } : { href: address(path), target: "_blank", rel: "noopener" }, text);

/** Return links to a map's report and to the map in each format, by the program that reads it. */
export function mapLists(map, { titled = true } = {}) {
  const [fit, unfit] = [true, false].map((fits) => map.formats.filter((each) => (each.why_not === null) === fits));
  return make("section", { class: "formats", "aria-label": map.name }, titled ? make("h4", {}, map.name) : null,
    make("p", {}, link(`api/maps/${map.id}/report`, "Open the report"), " · ", link(`api/maps/${map.id}/report?download=yes`, "download it", true)),
    make("p", { class: "hint" }, "The map, for"),
    make("ul", { class: "plain" }, ...fit.map((each) =>
      make("li", {}, link(`api/maps/${map.id}/export/${encodeURIComponent(each.name)}`, inWords(each), true)))),
    unfit.length ? make("details", { class: "unfit" }, make("summary", {}, `${counted(unfit.length, "format")} that cannot hold it, and why`),
      make("ul", { class: "plain files" }, ...unfit.map((each) => make("li", {}, make("b", {}, inWords(each)), ` ${each.why_not}`)))) : null);
}

async function take(file) {
  const format = at("import-format").value;
  const told = await tried(() => give(`api/maps/${maps[0].id}/lists?format=${encodeURIComponent(format)}`, file));
  if (!told) return;
  forget(maps[0].id);
  at("import-file").value = "";
  const left = told.still_rejected ? `; ${told.still_rejected} stay rejected, as you decided` : "";
  say(`${counted(told.added, "pixel")} added, ${told.accepted + told.known} known already${left}.`);
}
