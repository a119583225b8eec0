// The first step: choose a folder or drop photos, find, and watch it go.

import { at, fill, make, say, settle, tried } from "./elements.js";
import { beginPicker } from "./picker.js";
import { JobCard } from "./progress.js";
import { address, change, upload } from "./server.js";
import { isRunning, latest, noteJob, onChange, store } from "./store.js";
import { counted, remarksOf } from "./words.js";

let card;

export function beginPhotos() {
  card = new JobCard(at("find-job"), { result: outcome });
  beginPicker({ onOpen: (path) => openFolder({ path }) });
  at("open-form").addEventListener("submit", (event) => {
    event.preventDefault();
    openFolder({ path: at("open-path").value });
  });
  at("try-demo").addEventListener("click", () => openFolder({ demo: true }));
  const files = at("files");
  files.accept = [...new Set(store.state.suffixes.map((suffix) => suffix.slice(suffix.lastIndexOf("."))))].join();
  files.addEventListener("change", (event) => take([...event.target.files]));
  const drop = at("drop");
  for (const name of ["dragover", "drop"]) {
    // Anywhere on the page: a browser would leave it for the photo.
    document.addEventListener(name, (event) => event.preventDefault());
  }
  document.addEventListener("dragenter", () => drop.classList.add("over"));
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  document.addEventListener("drop", async (event) => {
    drop.classList.remove("over");
    take(await dropped(event.dataTransfer));
  });
  onChange(show);
  show();
}

async function openFolder(body) {
  const job = await tried(() => change("api/folders", body));
  if (job) noteJob(job);
}

/** Return the files that were dropped, and the photos in folders that were. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = [];
  for (const entry of entries) found.push(...await photosIn(entry));
  return found;
}

async function photosIn(entry) {
  if (entry.isFile) {
    const wanted = store.state.suffixes.some((suffix) => entry.name.toLowerCase().endsWith(suffix));
    return wanted ? [await new Promise((resolve, reject) => { entry.file(resolve, reject); })] : [];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A reader gives some entries at a time, and none at the end.
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!some.length) return found;
    for (const each of some) found.push(...await photosIn(each));
  }
}

async function take(files) {
  if (!files.length) return;
  settle("files");
  location.hash = "#photos";
  const hint = at("drop-hint");
  const refused = [];
  let taken = 0;
  for (const [number, file] of files.entries()) {
    hint.textContent = `Receiving ${number + 1} of ${counted(files.length, "photo")}`;
    if (file.size > store.state.upload_limit) {
      refused.push([file.name, "is too large to be dropped; open its folder instead"]);
      continue;
    }
    try {
      await upload(file);
      taken += 1;
    } catch (error) {
      refused.push([file.name, error.message.replace(`${file.name}: `, "")]);
    }
  }
  at("files").value = "";
  hint.textContent = `${counted(taken, "photo")} received. They are kept until the server ends.`;
  fill(at("refused-files"), ...refused.map(named));
  if (refused.length) say(`${counted(refused.length, "file")} not taken`, { wrong: true, about: "files" });
  if (taken) await openFolder({ dropped: true });
}

const named = ([name, why]) => make("li", {}, make("b", {}, name), ` ${why}`);

async function find(folder, fast, enough) {
  const job = await tried(() => change("api/finds", { folder: folder.id, fast, enough }));
  if (!job) return;
  noteJob(job);
  at("find-job").scrollIntoView({ block: "nearest" });
}

function show() {
  const job = latest(["open", "find"]);
  // What an opened folder holds stands on its own card.
  card.show(job?.kind === "open" && job.state === "done" && job.result.photos ? undefined : job);
  const busy = store.state.jobs.some(isRunning);
  const folders = at("folders");
  const signature = JSON.stringify([store.state.folders, store.state.maps, store.state.recent, busy]);
  if (folders.dataset.shown === signature) return; // what a person points at stays
  folders.dataset.shown = signature;
  const opened = store.state.folders;
  at("hero").classList.toggle("small", opened.length > 0);
  at("open-more").hidden = opened.length === 0;
  at("try-demo").disabled = busy;
  fill(folders, ...opened.map((folder) => folderCard(folder, busy)).reverse());
  const recent = store.state.recent.filter((path) => !opened.some((folder) => folder.path === path));
  at("recent").hidden = !recent.length;
  fill(at("recent-list"), ...recent.map((path) => make("li", {},
    make("button", { type: "button", class: "link", disabled: busy, on: { click: () => openFolder({ path }) } }, path))));
}

function folderCard(folder, busy) {
  const fast = make("input", { type: "checkbox" });
  const enough = make("input", { type: "checkbox" });
  const maps = folder.bodies.map((body) => store.state.maps.find((map) => map.id === body.map));
  const done = maps.some((map) => map?.has_map);
  const thumbnails = folder.examples.map((photo) =>
    make("img", { src: address(`api/photos/${photo.id}/thumbnail`), alt: "", title: photo.name, loading: "lazy", width: 120, height: 80,
      on: { error: (event) => event.target.remove() } }));
  return make(
    "article", { class: "card folder" },
    make("div", { class: "row" }, make("h3", { class: "grow" }, folder.title),
      make("button", { type: "button", class: "quiet", disabled: busy, "aria-label": `Close ${folder.title}`,
        on: { click: () => tried(() => change(`api/folders/${folder.id}`, undefined, "DELETE")) } }, "Close")),
    thumbnails.length ? make("div", { class: "thumbnails" }, ...thumbnails) : null,
    make("ul", { class: "plain cameras" }, ...folder.bodies.map((body, n) =>
      make("li", {}, `${body.name}: ${counted(body.photos, "photo")}. ${mapInWords(maps[n])}`,
        make("ul", { class: "plain notes" }, ...remarksOf(maps[n]).map((text) => make("li", {}, text)))))),
    make("p", { class: "hint" }, folder.photos ? advice(folder) : "No photo here can be used. Open another folder."),
    make("ul", { class: "plain notes" }, ...folder.notes.map((note) => make("li", {}, note))),
    folder.not_used ? make("details", { class: "skipped" }, make("summary", {}, `Why ${counted(folder.not_used, "file")} ${folder.not_used === 1 ? "is" : "are"} not used`),
      make("ul", { class: "plain files" }, ...folder.skipped.map((each) => named([each.path, each.reason])))) : null,
    make("div", { class: "row" },
      make("button", { type: "button", class: done ? "find" : "primary find", disabled: busy || !folder.photos,
        on: { click: () => find(folder, fast.checked, enough.checked) } }, done ? "Find again" : "Find broken pixels"),
      done ? make("a", { href: `#judge/${maps.find((map) => map?.has_map).id}`, class: "button primary" }, "Judge") : null,
      done ? make("a", { href: "#repair", class: "button" }, "Repair") : null,
      make("label", { class: "check" }, fast, " Skip dates (reads each photo only once)"),
      make("label", { class: "check" }, enough, " Stop when more photos would change little")),
  );
}

const FEW = 30; // photos below which finding is less sure

function advice(folder) {
  const all = folder.bodies.length > 1 ? `${counted(folder.photos, "photo")} of ${folder.bodies.length} cameras. ` : "";
  return all + (folder.bodies.some((body) => body.photos < FEW) ? `${FEW} photos or more of a camera make the result surer.` : "");
}

function mapInWords(map) {
  if (!map?.has_map) return "Not searched yet.";
  const broken = map.confirmed + map.accepted;
  return `${counted(broken, "broken pixel")}, ${counted(map.candidate, "candidate")}.`;
}

function outcome(job) {
  if (job.kind === "open") {
    const photos = job.result.photos ?? 0;
    return [make("p", {}, photos ? `${counted(photos, "photo")} found.` : "No photo there can be used. Choose a folder that holds photos straight from a camera.")];
  }
  return (job.result.bodies ?? []).map((body) => {
    if (body.map === null) return make("p", {}, `${body.name}: none of its photos could be used.`);
    const known = body.known ? `, ${body.known} known from before` : "";
    const spared = body.spared ? `, ${body.spared} not needed` : "";
    return make("div", { class: "row" }, make("p", { class: "grow" }, make("b", {}, `${body.sentence}.`), ` ${body.read + body.repeats} read${known}${spared}.`),
      make("a", { href: `#judge/${body.map}`, class: "button primary" }, "Judge them"),
      make("a", { href: "#repair", class: "button" }, "Repair photos"));
  });
}
