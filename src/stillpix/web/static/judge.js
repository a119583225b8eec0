// The second step: look at each defect in the photos, and accept it, reject it, or add one.

import { arrowOf, at, fill, make, offer, say, tried } from "./elements.js";
import { Gallery } from "./gallery.js";
import { mapLists } from "./lists.js";
import { inPhoto } from "./lens.js";
import { COLOURS, SHAPES } from "./marks.js";
import { term } from "./glossary.js";
import { SensorMap } from "./sensor.js";
import { change } from "./server.js";
import { forget, mapNamed, onChange, photosOf, sightsOf, store } from "./store.js";
import { PhotoViewer } from "./viewer.js";
import { byDoubt, charge, counted, expectedFalse, factsOf, isVideo, keyOf, nameOf, ofPhoto, placeOf, remarksOf } from "./words.js";

const desk = { map: null, photos: [], photo: null, chosen: null, order: [], adding: false, asked: 0, wanted: null, place: null, latest: null, sights: new Map(), guessed: true };
let viewer, sensor, gallery;

export function beginJudge() {
  gallery = new Gallery(at("gallery"), { onChoose: chooseCard });
  sensor = new SensorMap(at("sensor"), { marks: marksOf, onPick: (mark) => choose(mark.key, { reveal: true }) });
  at("judge-map").addEventListener("change", (event) => { location.hash = `#judge/${event.target.value}`; });
  at("judge-filter").addEventListener("change", () => showGallery());
  at("judge-photo").addEventListener("change", (event) => {
    desk.guessed = false;
    openPhoto(event.target.value);
  });
  at("contrast").addEventListener("change", (event) => gallery.contrastIs(event.target.value));
  at("brighten").addEventListener("input", (event) => at("judge-stage").style.setProperty("--brighten", event.target.value));
  const clicks = {
    "pixel-previous": () => stepDefect(-1), "pixel-next": () => stepDefect(1),
    "photo-previous": () => stepPhoto(-1), "photo-next": () => stepPhoto(1),
    "zoom-out": () => viewer?.zoom(1 / 2), "zoom-in": () => viewer?.zoom(2), "zoom-fit": () => viewer?.fit(),
    "zoom-defect": toDefect, "add-pixel": () => setAdding(!desk.adding),
    accept: () => decide("accepted"), reject: () => decide("rejected"),
    undo: () => step("undo"), redo: () => step("redo"),
    "sensor-out": () => sensor.zoom(1 / 1.5), "sensor-in": () => sensor.zoom(1.5), "sensor-fit": () => sensor.fit(),
  };
  for (const [id, action] of Object.entries(clicks)) at(id).addEventListener("click", action);
  fill(at("legend"), ...Object.keys(COLOURS).map((state) =>
    make("span", { class: "key" }, make("i", { class: `shape ${state}` }), `${state} (${SHAPES[state]})`)));
  onChange((what) => {
    if (at("judge").hidden) return;
    if (what.kind === "state" || (what.kind === "map" && what.map === desk.map?.id)) tried(() => show());
  });
}

const marksOf = () =>
  (desk.map?.defects ?? []).map((defect) => {
    const key = keyOf(defect);
    return { x: defect.x, y: defect.y, state: defect.state, key, chosen: key === desk.chosen };
  });

/** The same where they lie in the photo that is shown. */
const marksInPhoto = () =>
  marksOf().map((mark) => ({ ...mark, at: inPhoto(mark, desk.photo) }))
    .filter((mark) => mark.at)
    .map(({ at: place, ...mark }) => ({ ...mark, ...place }));

const defectNow = () => desk.map?.defects.find((defect) => keyOf(defect) === desk.chosen);

/** Show a map, or the one with most photos open; from an address, with a place chosen. */
export function show(id = null, place = null) {
  if (id) desk.wanted = id;
  if (place) desk.place = place;
  desk.latest = showNow();
  return desk.latest;
}

async function showNow() {
  const maps = [...store.state.maps].sort((one, other) => other.photos - one.photos);
  at("judge-none").hidden = maps.length > 0;
  at("judge-desk").hidden = maps.length === 0;
  if (!maps.length) return null;
  const wanted = maps.some((each) => each.id === desk.wanted) ? desk.wanted : maps[0].id;
  const asked = ++desk.asked;
  const [map, photos] = await Promise.all([mapNamed(wanted), photosOf(wanted)]);
  if (asked !== desk.asked) return desk.latest; // asked for again meanwhile: what that finds is newer
  const another = desk.map?.id !== map.id;
  desk.map = map;
  if (another) desk.chosen = null;
  offer(at("judge-map"), maps.map((each) => ({ value: each.id, text: each.name })), map.id);
  showPhotos(photos, another);
  sensor.show(map.sensor);
  at("judge-lists").hidden = !map.has_map;
  fill(at("judge-lists").lastElementChild, mapLists(map));
  fill(at("judge-remarks"), ...remarksOf(map).map((text) => make("li", {}, text)));
  showGallery();
  const { place } = desk;
  desk.place = null;
  if (place) choose(`${place},`, { reveal: true });
  else if (!defectNow()) choose(desk.order[0] ?? null);
  else showDetail();
  tried(() => showSights(map, photos));
  return null;
}

/** Show what the photos show of each pixel, once the server has looked. */
async function showSights(map, photos) {
  if (!map.has_map) return;
  const tag = photosTag(photos);
  const sights = await sightsOf(map.id);
  if (desk.map?.id !== map.id) return;
  gallery.see(sights, tag);
  desk.sights = new Map(sights.map((each) => [keyOf(each), each]));
  if (desk.photos.length && desk.guessed && !desk.adding && bestPhoto() !== desk.photo?.id) openPhoto(bestPhoto());
}

/** Other photos, other crops: their address must differ, for they are cached. */
function photosTag(photos) {
  let sum = 0;
  for (const mark of photos.map((each) => each.id).join()) sum = (sum * 31 + mark.codePointAt(0)) >>> 0;
  return sum.toString(36);
}

function showPhotos(photos, another) {
  const same = !another && photos.map((each) => each.id).join() === desk.photos.map((each) => each.id).join();
  desk.photos = photos;
  if (!same) desk.sights = new Map();
  offerPhotos();
  const none = photos.length === 0;
  const why = isVideo(desk.map)
    ? "This map is of videos, which the page does not show. Its report is at the left; stillpix fix clip.mp4 --out fixed repairs a clip."
    : "No photo of this camera is open. Open a folder of its photos to see its pixels.";
  note(none ? why : "");
  for (const id of ["judge-photo", "photo-previous", "photo-next", "zoom-out", "zoom-in", "zoom-fit", "zoom-defect", "add-pixel", "brighten"]) {
    at(id).disabled = none;
  }
  if (none) {
    desk.photo = null;
    viewer?.close();
  } else if (!same || !desk.photo) {
    desk.guessed = true;
    openPhoto(bestPhoto());
  }
}

/** Offer the photos; those that cannot be shown come last, with the reason. */
function offerPhotos() {
  const [good, bad] = [false, true].map((wrong) => desk.photos.filter((each) => Boolean(each.trouble) === wrong));
  offer(at("judge-photo"), [
    ...good.map((each) => ({ value: each.id, text: ofPhoto(each) })),
    ...bad.map((each) => ({ value: each.id, text: `${each.name} cannot be shown: ${each.trouble}`, disabled: true })),
  ], desk.photo?.id);
}

/** Return the photo that shows the chosen pixel best; before that is known, the longest exposure. */
function bestPhoto() {
  const good = desk.photos.filter((each) => !each.trouble);
  const seen = desk.sights?.get(desk.chosen)?.crops[0]?.photo;
  if (good.some((each) => each.id === seen)) return seen;
  return (good.length ? good : desk.photos).reduce((best, each) => (charge(each) > charge(best) ? each : best)).id;
}

function openPhoto(id) {
  desk.photo = desk.photos.find((each) => each.id === id);
  at("judge-photo").value = id;
  viewer ??= new PhotoViewer(at("judge-viewer"), {
    label: "Photo: arrow keys move it, plus and minus zoom",
    marks: marksInPhoto,
    onPick: picked,
    onFail: photoFailed,
  });
  note("");
  return viewer.open(desk.photo);
}

/** A photo that cannot be shown makes way for one that can. */
async function photoFailed() {
  const failed = desk.photo;
  if (!failed || failed.trouble) return;
  failed.trouble = "it cannot be read";
  const known = await tried(() => photosOf(desk.map.id, { anew: true }));
  const reason = known?.find((each) => each.id === failed.id)?.trouble || failed.trouble;
  failed.trouble = reason;
  offerPhotos();
  const text = `${failed.name} cannot be shown: ${reason}.`;
  if (desk.photos.every((each) => each.trouble)) return note(`${text} No other photo of this camera is open; open more of them.`);
  await openPhoto(bestPhoto());
  note(`${text} This is ${desk.photo.name}.`);
  return null;
}

function stepPhoto(by) {
  if (!desk.photos.length) return;
  const good = desk.photos.filter((each) => !each.trouble || each === desk.photo);
  desk.guessed = false;
  openPhoto(good[(good.indexOf(desk.photo) + by + good.length) % good.length].id);
  say(ofPhoto(desk.photo));
}

function note(text) {
  at("judge-note").textContent = text;
  at("judge-note").hidden = !text;
}

function showGallery() {
  const filter = at("judge-filter").value;
  const open = ["confirmed", "candidate"];
  const listed = byDoubt(desk.map.defects).filter((defect) =>
    filter === "all" || (filter === "open" ? open.includes(defect.state) : defect.state === filter));
  desk.order = listed.map(keyOf);
  gallery.show(desk.map, listed);
  const judged = desk.map.accepted + desk.map.rejected;
  const said = [`${counted(desk.map.defects.length, "pixel")}, the most doubtful first; ${judged} judged.`, expectedFalse(desk.map)];
  const done = desk.map.has_map && judged > 0 && judged === desk.map.defects.length;
  fill(at("judge-count"), !desk.map.has_map || !desk.map.defects.length
    ? "No pixels yet: find them in your photos first, or add pixels by hand."
    : done ? `All of them are judged (${counted(judged, "pixel")}). `
    : listed.length ? said.filter(Boolean).join(" ") : "No pixel of this kind. Choose another under Show.",
  done ? make("a", { href: "#repair" }, "Repair photos") : null);
  gallery.mark(desk.chosen, { reveal: false });
}

/** Choose the pixel of a card; where a crop was clicked, open its photo there. */
function chooseCard(key, crop) {
  if (crop && desk.photos.some((each) => each.id === crop.photo)) {
    desk.guessed = false;
    if (desk.photo?.id !== crop.photo) openPhoto(crop.photo);
  } else if (key === desk.chosen) {
    return;
  }
  choose(key, { reveal: false });
}

function choose(key, { reveal = true } = {}) {
  desk.chosen = key;
  const defect = defectNow();
  if (defect) {
    history.replaceState(null, "", `#judge/${desk.map.id}/${defect.x},${defect.y}`);
    if (desk.guessed && desk.photos.length && bestPhoto() !== desk.photo?.id) openPhoto(bestPhoto());
    viewer?.goTo(inPhoto(defect, desk.photo) ?? defect);
  }
  gallery.mark(key, { reveal });
  showDetail();
}

function showDetail() {
  const defect = defectNow();
  at("detail-title").textContent = defect ? `${placeOf(defect)}: ${nameOf(defect)}` : "No pixel chosen";
  const now = desk.order.indexOf(desk.chosen);
  at("detail-count").textContent = now < 0 ? "" : `${now + 1} of ${desk.order.length}`;
  at("pixel-previous").disabled = now <= 0;
  at("pixel-next").disabled = now === desk.order.length - 1;
  fill(at("detail-facts"), ...(defect ? factsOf(defect) : []).map(([name, value]) =>
    make("div", {}, make("dt", {}, term(name)), make("dd", {}, name === "kind" || name === "state" ? term(value, value) : value))));
  at("accept").disabled = !defect;
  at("reject").disabled = !defect;
  at("undo").disabled = !desk.map?.undo;
  at("redo").disabled = !desk.map?.redo;
  viewer?.draw();
  sensor.draw();
}

function toDefect() {
  const defect = defectNow();
  if (defect) viewer?.goTo(inPhoto(defect, desk.photo) ?? defect);
}

function zoomToDefect() {
  const defect = defectNow();
  if (defect) viewer?.toggle(inPhoto(defect, desk.photo) ?? defect);
}

function stepDefect(by) {
  if (!desk.order.length) return;
  const now = desk.order.indexOf(desk.chosen);
  const next = now < 0 ? 0 : Math.min(Math.max(now + by, 0), desk.order.length - 1);
  choose(desk.order[next]);
}

/** Change the map, and show it as it is then. */
async function judged(path, body) {
  const answer = await tried(() => change(`api/maps/${desk.map.id}/${path}`, body));
  if (!answer) return null;
  forget(desk.map.id);
  await tried(() => show(desk.map.id));
  return answer;
}

/** Decide about the chosen pixel and go on to the next at once: a second key is about that one. */
async function decide(state) {
  const defect = defectNow();
  if (!defect) return;
  const now = desk.order.indexOf(desk.chosen);
  const next = now < 0 ? undefined : desk.order[now + 1];
  const { x, y, along } = defect;
  if (next) choose(next);
  const after = await judged("decisions", { x, y, along, state });
  if (after) say(`${placeOf(after)} ${state}`);
  else choose(keyOf(defect));
}

async function step(way) {
  if (!desk.map || !desk.map[way]) return say(`There is nothing to ${way}.`);
  const spot = await judged(way);
  if (!spot) return null;
  if (desk.map.defects.some((defect) => keyOf(defect) === keyOf(spot))) choose(keyOf(spot));
  say(`${way === "undo" ? "Undone" : "Redone"}: ${placeOf(spot)}`);
  return null;
}

function setAdding(adding) {
  desk.adding = adding && desk.photo !== null;
  at("add-pixel").setAttribute("aria-pressed", String(desk.adding));
  at("judge-stage").classList.toggle("adding", desk.adding);
  at("judge-stage").querySelector(".crosshair").hidden = !desk.adding;
  if (!desk.adding) return;
  viewer.osd.canvas.focus();
  say("Click the pixel, or move the photo with the arrow keys and press Enter to add the pixel in the middle. Esc cancels.");
}

function picked(place, mark) {
  if (desk.adding) {
    if (place) add(place);
  } else if (mark) {
    choose(mark.key);
  }
}

async function add(place) {
  const before = desk.map.defects;
  const took = await judged("defects", { ...place, photo: desk.photo.id });
  if (!took) return;
  const known = before.some((defect) => keyOf(defect) === keyOf(took));
  const moved = took.x === place.x && took.y === place.y ? "" : `, the pixel that stands out most near ${place.x}, ${place.y}`;
  setAdding(false);
  choose(keyOf(took));
  say(known ? `${placeOf(took)} was in the map already and is now accepted${moved}` : `Added ${placeOf(took)}${moved}`);
}

/** Take a key of this step; return whether it was one. */
export function judgeKey(event) {
  const actions = {
    j: () => stepDefect(1), k: () => stepDefect(-1), a: () => decide("accepted"), r: () => decide("rejected"),
    x: () => decide("rejected"), u: () => step("undo"), U: () => step("redo"), n: () => setAdding(!desk.adding),
    p: () => stepPhoto(1), P: () => stepPhoto(-1), z: zoomToDefect, f: () => viewer?.fit(),
  };
  const by = arrowOf(event);
  if (desk.adding && event.key === "Escape") setAdding(false);
  else if (desk.adding && event.key === "Enter" && viewer.image && at("judge-viewer").contains(document.activeElement)) add(viewer.middle());
  else if (by) stepDefect(by);
  else if (actions[event.key] && at("single-keys").checked) actions[event.key]();
  else return false;
  return true;
}

export const stepBack = () => step("undo");
export const stepOn = () => step("redo");
