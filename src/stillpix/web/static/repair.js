// The third step: see before and after, try it dry, repair a folder, take the maps along.

import { at, fill, make, offer, tried } from "./elements.js";
import { JobCard } from "./progress.js";
import { address, change, look } from "./server.js";
import { isRunning, latest, noteJob, onChange, photosOf, store } from "./store.js";
import { PhotoViewer, tilesOf } from "./viewer.js";
import { counted, ofPhoto } from "./words.js";

const { OpenSeadragon } = window;
const desk = { photos: [], photo: null, verdicts: [], next: 0, version: 0, asked: 0, shown: "" };
let viewer, card;

export function beginRepair() {
  card = new JobCard(at("repair-job"), { result: outcome });
  at("repair-folder").addEventListener("change", () => tried(show));
  at("repair-photo").addEventListener("change", (event) => tried(() => openPhoto(event.target.value)));
  at("split").addEventListener("input", divide);
  const divider = document.querySelector(".divider");
  divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const stage = at("compare-stage").getBoundingClientRect();
    at("split").value = (100 * (event.clientX - stage.left)) / stage.width;
    divide();
  });
  at("compare-out").addEventListener("click", () => viewer?.zoom(1 / 2));
  at("compare-in").addEventListener("click", () => viewer?.zoom(2));
  at("compare-fit").addEventListener("click", () => viewer?.fit());
  at("compare-next").addEventListener("click", toNext);
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

const folderNow = () => store.state.folders.find((each) => each.id === at("repair-folder").value);

export async function show() {
  const folders = store.state.folders.filter((each) => each.photos);
  at("repair-none").hidden = folders.length > 0;
  at("repair-desk").hidden = folders.length === 0;
  card.show(latest(["repair"]));
  if (!folders.length) return;
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
  showDownloads(folder);
  const asked = ++desk.asked;
  const photos = (await Promise.all(folder.bodies.map((body) => photosOf(body.map)))).flat()
    .filter((photo) => photo.id.startsWith(`${folder.id}-`));
  if (asked !== desk.asked) return;
  desk.photos = photos;
  offer(at("repair-photo"), photos.map((each) => ({ value: each.id, text: ofPhoto(each) })));
  const wanted = photos.some((each) => each.id === desk.photo?.id) ? desk.photo.id : photos[0]?.id;
  if (wanted && desk.shown !== `${wanted} ${desk.version}`) await openPhoto(wanted);
}

async function openPhoto(id) {
  desk.shown = `${id} ${desk.version}`;
  desk.photo = desk.photos.find((each) => each.id === id);
  desk.verdicts = [];
  at("repair-photo").value = id;
  viewer ??= new PhotoViewer(at("compare-viewer"), {
    label: "Photo before and after repair: arrow keys move it, plus and minus zoom",
    onMove: divide,
  });
  note("Repairing this photo to show it …");
  let told;
  try {
    told = await look(`api/photos/${id}/verdicts`);
  } catch (error) {
    if (desk.photo?.id !== id) return;
    note(error.message);
    at("compare-says").textContent = "";
    await viewer.open(desk.photo);
    return;
  }
  if (desk.photo?.id !== id) return; // another was chosen meanwhile
  note("");
  desk.verdicts = told.places.filter((place) => place.outcome === "repaired");
  desk.next = 0;
  const hidden = told.places.filter((place) => place.outcome === "not showing").length;
  at("compare-says").textContent =
    `${counted(desk.verdicts.length, "place")} repaired in this photo; ${hidden} on the map are not visible in it.`;
  at("compare-next").disabled = !desk.verdicts.length;
  await viewer.open(desk.photo, [tilesOf(desk.photo), tilesOf(desk.photo, "repaired", desk.version)].map(
    (tileSource) => ({ tileSource, x: 0, y: 0, width: 1 })));
  divide();
  toNext();
  showDownloads(folderNow());
}

/** Show the repaired photo right of the divider alone. */
function divide() {
  const after = viewer?.osd.world.getItemAt(1);
  const share = Number(at("split").value) / 100;
  at("compare-stage").style.setProperty("--split", `${100 * share}%`);
  if (!after) return;
  const left = share * at("compare-viewer").clientWidth;
  const edge = after.viewerElementToImageCoordinates(new OpenSeadragon.Point(left, 0)).x;
  const { width, height } = desk.photo;
  const from = Math.min(Math.max(edge, 0), width);
  if (from >= width) {
    after.setOpacity(0);
    return;
  }
  after.setOpacity(1);
  after.setClip(new OpenSeadragon.Rect(from, 0, width - from, height));
}

function toNext() {
  if (!desk.verdicts.length) return;
  const strongest = [...desk.verdicts].sort((one, other) => Math.abs(other.strength ?? 0) - Math.abs(one.strength ?? 0));
  viewer.goTo(strongest[desk.next % strongest.length]);
  desk.next += 1;
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

function showDownloads(folder) {
  const maps = store.state.maps.filter((map) => map.has_map && folder.bodies.some((body) => body.map === map.id));
  const photo = desk.photo && desk.verdicts.length
    ? [make("li", {}, "This photo, repaired: ", make("a", { href: address(`api/photos/${desk.photo.id}/repaired`), download: "" }, desk.photo.name))]
    : [];
  const none = make("li", {}, "There is no map for these photos yet: find their broken pixels first.");
  fill(at("downloads"), ...photo, ...(maps.length ? maps.map((map) => make("li", {}, `Map of ${map.name}: `,
    ...map.formats.flatMap((name, n) => [n ? ", " : "",
      make("a", { href: address(`api/maps/${map.id}/export/${encodeURIComponent(name)}`), download: "" }, name)]))) : [none]));
}
