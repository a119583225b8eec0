// The third step: see before and after, try it dry, repair a folder, take the maps along.

import { arrowOf, at, make, offer, tried } from "./elements.js";
import { Comparison, VIEWS } from "./compare.js";
import { showFilmstrip } from "./filmstrip.js";
import { beginImport, showDownloads } from "./lists.js";
import { JobCard } from "./progress.js";
import { change, look } from "./server.js";
import { isRunning, latest, noteJob, onChange, photosOf, store } from "./store.js";
import { charge, counted, ofPhoto, placeOf } from "./words.js";

const desk = { photos: [], photo: null, verdicts: [], next: 0, version: 0, asked: 0, shown: "" };
let comparison, card;

export function beginRepair() {
  card = new JobCard(at("repair-job"), { result: outcome });
  beginImport();
  at("repair-folder").addEventListener("change", () => tried(show));
  at("repair-photo").addEventListener("change", (event) => tried(() => openPhoto(event.target.value)));
  for (const button of document.querySelectorAll("[data-view]:not(.stage)")) {
    button.addEventListener("click", () => viewAs(button.dataset.view));
  }
  at("sizes").addEventListener("click", (event) => event.target.dataset.size && resize(Number(event.target.dataset.size)));
  at("compare-next").addEventListener("click", () => stepPlace(1));
  at("compare-previous").addEventListener("click", () => stepPlace(-1));
  const hold = at("hold");
  hold.addEventListener("pointerdown", () => comparison.hold(true));
  for (const name of ["pointerup", "pointerleave", "pointercancel", "keyup", "blur"]) hold.addEventListener(name, () => comparison.hold(false));
  hold.addEventListener("keydown", (event) => { if (event.key === " " || event.key === "Enter") comparison.hold(true); });
  at("dry-run").addEventListener("click", () => run({ dry_run: true }));
  at("repair-form").addEventListener("submit", (event) => {
    event.preventDefault();
    run({ out: at("copies").value });
  });
  onChange((what) => {
    if (what.kind === "map") desk.version += 1;
    if (!at("repair").hidden) tried(show);
  });
}

const placeNow = () => desk.verdicts[desk.next];

const marksOf = () => desk.verdicts.map((place) => ({ x: place.x, y: place.y, state: "confirmed", chosen: place === placeNow() }));

function viewAs(view) {
  comparison.viewAs(view);
  at("slider").hidden = view !== "divide";
  for (const button of document.querySelectorAll("[data-view]:not(.stage)")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
}

function resize(size) {
  comparison.resize(size);
  showSize(comparison.sizeNow());
}

/** Show how large a pixel is now, whether a button or the wheel has made it so; 0: the photo fits. */
function showSize(size) {
  let named = false;
  for (const button of at("sizes").children) {
    const same = Math.abs(Number(button.dataset.size) - size) <= 0.01 * size;
    button.setAttribute("aria-pressed", String(same));
    named ||= same;
  }
  at("size-now").textContent = named ? "" : size >= 1 ? `${size.toFixed(1)}:1` : `1:${(1 / size).toFixed(1)}`;
}

const folderNow = () => store.state.folders.find((each) => each.id === at("repair-folder").value);

export async function show() {
  const folders = store.state.folders.filter((each) => each.photos);
  at("repair-none").hidden = folders.length > 0;
  at("repair-desk").hidden = folders.length === 0;
  card.show(latest(["repair"]));
  if (!folders.length) return;
  comparison ??= new Comparison({ marks: marksOf, onSize: showSize }); // it must be seen to know its size
  const before = at("repair-folder").value;
  offer(at("repair-folder"), folders.map((each) => ({ value: each.id, text: each.title })), before || folders.at(-1).id);
  const folder = folderNow();
  const copies = at("copies");
  if (!copies.value || copies.value === copies.dataset.offered) {
    copies.dataset.offered = folder.title === folder.path ? `${folder.path}-repaired` : "";
    copies.value = copies.dataset.offered;
  }
  const busy = store.state.jobs.some(isRunning);
  for (const button of at("repair-form").querySelectorAll("button")) button.disabled = busy;
  showDownloads(folder, desk.verdicts.length ? desk.photo : null);
  const asked = ++desk.asked;
  const photos = (await Promise.all(folder.bodies.map((body) => photosOf(body.map)))).flat()
    .filter((photo) => photo.id.startsWith(`${folder.id}-`));
  if (asked !== desk.asked) return;
  desk.photos = photos;
  offerPhotos();
  const good = photos.filter((each) => !each.trouble);
  const now = good.find((each) => each.id === desk.photo?.id)
    ?? good.reduce((best, each) => (best && charge(best) >= charge(each) ? best : each), undefined);
  if (now && desk.shown !== `${now.id} ${desk.version}`) await openPhoto(now.id);
  else if (!now) note("None of these photos can be shown. Open another folder.");
}

function offerPhotos() {
  offer(at("repair-photo"), desk.photos.map((each) => ({
    value: each.id, text: each.trouble ? `${each.name} cannot be shown: ${each.trouble}` : ofPhoto(each), disabled: Boolean(each.trouble),
  })), desk.photo?.id);
  showFilmstrip(at("filmstrip"), desk.photos, desk.photo?.id, (id) => tried(() => openPhoto(id)));
}

/** Show a photo before and after; one that cannot be read makes way for the next. */
async function openPhoto(id) {
  desk.shown = `${id} ${desk.version}`;
  desk.photo = desk.photos.find((each) => each.id === id);
  desk.verdicts = [];
  offerPhotos();
  note("Repairing this photo to show it …");
  let told = { places: [] }, why = "";
  try {
    told = await look(`api/photos/${id}/verdicts`);
  } catch (error) {
    why = error.message;
  }
  if (desk.photo?.id !== id) return; // another was chosen meanwhile
  if (why && hasMap()) {
    desk.photo.trouble = why;
    offerPhotos();
    const next = desk.photos.find((each) => !each.trouble);
    if (next) await openPhoto(next.id);
    note(next ? `${why}. This is ${next.name}.` : why);
    return;
  }
  note(why ? "There is no map of this camera yet: find its broken pixels under Photos." : "");
  const strongest = (one, other) => Math.abs(other.strength ?? 0) - Math.abs(one.strength ?? 0);
  desk.verdicts = told.places.filter((place) => place.outcome === "repaired").sort(strongest);
  desk.next = 0;
  desk.hidden = told.places.filter((place) => place.outcome === "not showing").length;
  for (const name of ["compare-next", "compare-previous", "hold"]) at(name).disabled = !desk.verdicts.length;
  await comparison.open(desk.photo, desk.version, !why);
  resize(desk.verdicts.length ? comparison.size || 8 : 0);
  showPlace();
  showDownloads(folderNow(), desk.verdicts.length ? desk.photo : null);
}

const hasMap = () => store.state.maps.some((map) => map.has_map && folderNow().bodies.some((body) => body.map === map.id));

function showPlace() {
  const place = placeNow();
  const count = desk.verdicts.length;
  const hidden = desk.hidden ? ` ${counted(desk.hidden, "pixel")} of the map ${desk.hidden === 1 ? "is" : "are"} not visible in this photo.` : "";
  at("compare-says").textContent = place
    ? `Repaired pixel ${desk.next + 1} of ${count}: ${placeOf(place)}.${hidden}`
    : `Nothing needs repair in this photo.${hidden}`;
  comparison.goTo(place);
  comparison.before.draw();
  comparison.after.draw();
}

function stepPlace(by) {
  const count = desk.verdicts.length;
  if (!count) return;
  desk.next = (desk.next + by + count) % count;
  showPlace();
}

function stepPhoto(by) {
  const good = desk.photos.filter((each) => !each.trouble);
  if (!good.length) return;
  const now = good.findIndex((each) => each.id === desk.photo?.id);
  tried(() => openPhoto(good[(now + by + good.length) % good.length].id));
}

/** Take a key of this step; return whether it was one. */
export function repairKey(event, down) {
  if (!comparison) return false;
  const actions = {
    j: () => stepPlace(1), k: () => stepPlace(-1), p: () => stepPhoto(1), P: () => stepPhoto(-1),
    z: () => resize(comparison.sizeNow() >= 1 ? 0 : 8), f: () => resize(0),
    y: () => viewAs(VIEWS[(VIEWS.indexOf(comparison.view) + 1) % VIEWS.length]),
  };
  const by = arrowOf(event);
  if (by) return down && Boolean(stepPlace(by) ?? true);
  if (!at("single-keys").checked) return false;
  if (["b", "B", "\\"].includes(event.key)) comparison.hold(down);
  else if (actions[event.key] && down) actions[event.key]();
  else return false;
  return true;
}

function note(text) {
  at("compare-note").textContent = text;
  at("compare-note").hidden = !text;
}

async function run(options) {
  const body = { folder: folderNow().id, changed_only: at("changed-only").checked, ...options };
  const job = await tried(() => change("api/repairs", body));
  if (!job) return;
  noteJob(job);
  at("repair-job").scrollIntoView({ block: "nearest" });
}

function outcome(job) {
  const told = job.result;
  if (told.photos === undefined) return [];
  const would = told.dry_run ? "would be repaired" : "repaired";
  const lines = [make("p", {}, make("b", {}, `${told.repaired} of ${counted(told.photos, "photo")} ${would}`),
    `, in ${counted(told.places, "place")}.`, told.out ? ` Copies are in ${told.out}.` : " Nothing was written.")];
  if (told.left) lines.push(make("p", {}, `${counted(told.left, "photo")} not looked at.`));
  if (!told.by_photo.length) return lines;
  const rows = told.by_photo.map((photo) => make("tr", {},
    make("th", { scope: "row" }, photo.name), make("td", {}, String(photo.repaired)),
    make("td", {}, String(photo.not_showing)), make("td", {}, String(photo.hopeless))));
  lines.push(make("details", {}, make("summary", {}, "Photo by photo"),
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Photo by photo" },
      make("table", {}, make("thead", {}, make("tr", {}, ...["photo", "repaired", "not visible", "not repairable"].map(
        (name) => make("th", { scope: "col" }, name)))), make("tbody", {}, ...rows)))));
  return lines;
}
