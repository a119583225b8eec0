// The second step: look at each defect in the photos, and accept it, reject it, or add one.

import { at, fill, make, offer, say, tried } from "./elements.js";
import { Gallery } from "./gallery.js";
import { COLOURS, SHAPES } from "./marks.js";
import { SensorMap } from "./sensor.js";
import { change } from "./server.js";
import { forget, mapNamed, onChange, photosOf, store } from "./store.js";
import { PhotoViewer } from "./viewer.js";
import { byDoubt, counted, factsOf, keyOf, nameOf, ofPhoto, placeOf } from "./words.js";

const desk = { map: null, photos: [], photo: null, chosen: null, order: [], adding: false, asked: 0, wanted: null, place: null, latest: null };
let viewer, sensor, gallery;

export function beginJudge() {
  gallery = new Gallery(at("gallery"), { onChoose: (key) => choose(key) });
  sensor = new SensorMap(at("sensor"), { marks: marksOf, onPick: (mark) => choose(mark.key, { reveal: true }) });
  at("judge-map").addEventListener("change", (event) => { location.hash = `#judge/${event.target.value}`; });
  at("judge-filter").addEventListener("change", () => showGallery());
  at("judge-photo").addEventListener("change", (event) => openPhoto(event.target.value));
  const clicks = {
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
  showGallery();
  const { place } = desk;
  desk.place = null;
  if (place) choose(`${place},`, { reveal: true });
  else if (!defectNow()) choose(desk.order[0] ?? null);
  else showDetail();
  return null;
}

function showPhotos(photos, another) {
  const same = !another && photos.map((each) => each.id).join() === desk.photos.map((each) => each.id).join();
  desk.photos = photos;
  offer(at("judge-photo"), photos.map((each) => ({ value: each.id, text: ofPhoto(each) })));
  const none = photos.length === 0;
  note(none ? "No photo of this camera is open: open a folder of its photos to see them." : "");
  for (const id of ["judge-photo", "photo-previous", "photo-next", "zoom-out", "zoom-in", "zoom-fit", "zoom-defect", "add-pixel"]) {
    at(id).disabled = none;
  }
  if (none) {
    desk.photo = null;
    viewer?.close();
  } else if (!same || !desk.photo) {
    openPhoto(longest(photos).id);
  }
}

/** Hot pixels show where the exposure was long. */
const longest = (photos) =>
  photos.reduce((best, each) => (each.exposure_s ?? 0) * (each.gain ?? 1) > (best.exposure_s ?? 0) * (best.gain ?? 1) ? each : best);

function openPhoto(id) {
  desk.photo = desk.photos.find((each) => each.id === id);
  at("judge-photo").value = id;
  viewer ??= new PhotoViewer(at("judge-viewer"), {
    label: "Photo: arrow keys move it, plus and minus zoom",
    marks: marksOf,
    onPick: picked,
    onFail: () => note("This photo cannot be shown. Choose another one."),
  });
  note("");
  return viewer.open(desk.photo);
}

function stepPhoto(by) {
  if (!desk.photos.length) return;
  const now = desk.photos.indexOf(desk.photo);
  openPhoto(desk.photos[(now + by + desk.photos.length) % desk.photos.length].id);
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
  gallery.show(desk.map, listed, desk.photos);
  const judged = desk.map.accepted + desk.map.rejected;
  at("judge-count").textContent = desk.map.has_map
    ? `${counted(desk.map.defects.length, "pixel")}, the most doubtful first; ${judged} judged.`
    : "No pixels yet: find them in your photos first, or add pixels by hand.";
  gallery.mark(desk.chosen, { reveal: false });
}

function choose(key, { reveal = true } = {}) {
  desk.chosen = key;
  const defect = defectNow();
  if (defect) {
    history.replaceState(null, "", `#judge/${desk.map.id}/${defect.x},${defect.y}`);
    viewer?.goTo(defect);
  }
  gallery.mark(key, { reveal });
  showDetail();
}

function showDetail() {
  const defect = defectNow();
  at("detail-title").textContent = defect ? `${placeOf(defect)}: ${nameOf(defect)}` : "No pixel chosen";
  fill(at("detail-facts"), ...(defect ? factsOf(defect) : []).map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  at("accept").disabled = !defect;
  at("reject").disabled = !defect;
  at("undo").disabled = !desk.map?.undo;
  at("redo").disabled = !desk.map?.redo;
  viewer?.draw();
  sensor.draw();
}

function toDefect() {
  const defect = defectNow();
  if (defect) viewer?.goTo(defect);
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

async function decide(state) {
  const defect = defectNow();
  if (!defect) return;
  const now = desk.order.indexOf(desk.chosen);
  const next = desk.order[now + 1];
  const { x, y, along } = defect;
  const after = await judged("decisions", { x, y, along, state });
  if (!after) return;
  if (now >= 0 && next) choose(next);
  say(`${placeOf(after)} ${state}`);
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
    u: () => step("undo"), U: () => step("redo"), n: () => setAdding(!desk.adding),
    p: () => stepPhoto(1), P: () => stepPhoto(-1), z: toDefect, f: () => viewer?.fit(),
  };
  if (desk.adding && event.key === "Escape") setAdding(false);
  else if (desk.adding && event.key === "Enter" && at("judge-viewer").contains(document.activeElement)) add(viewer.middle());
  else if (actions[event.key] && at("single-keys").checked) actions[event.key]();
  else return false;
  return true;
}

export const stepBack = () => step("undo");
export const stepOn = () => step("redo");
