// The first step: choose a folder or drop photos, find, and watch it go.

import { at, fill, make, say, tried } from "./elements.js";
import { JobCard } from "./progress.js";
import { change, upload } from "./server.js";
import { isRunning, latest, noteJob, onChange, store } from "./store.js";
import { counted } from "./words.js";

let card;

export function beginPhotos() {
  card = new JobCard(at("find-job"), { result: outcome });
  at("open-form").addEventListener("submit", (event) => {
    event.preventDefault();
    openFolder({ path: at("open-path").value });
  });
  at("files").addEventListener("change", (event) => take([...event.target.files]));
  const drop = at("drop");
  for (const name of ["dragover", "drop"]) {
    // Anywhere on the page: a browser would leave it for the photo.
    document.addEventListener(name, (event) => event.preventDefault());
  }
  document.addEventListener("dragenter", () => drop.classList.add("over"));
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  onChange(show);
  show();
}

async function openFolder(body) {
  const job = await tried(() => change("api/folders", body));
  if (job) noteJob(job);
}

async function take(files) {
  if (!files.length) return;
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
  fill(at("refused-files"), ...refused.map(([name, why]) => make("li", {}, make("b", {}, name), ` ${why}`)));
  if (refused.length) say(`${counted(refused.length, "file")} not taken`, { wrong: true });
  if (taken) await openFolder({ dropped: true });
}

async function find(folder, fast) {
  const job = await tried(() => change("api/finds", { folder: folder.id, fast }));
  if (!job) return;
  noteJob(job);
  at("find-job").scrollIntoView({ block: "nearest" });
}

function show() {
  card.show(latest(["open", "find"]));
  const folders = at("folders");
  const signature = JSON.stringify([store.state.folders, store.state.jobs.some(isRunning)]);
  if (folders.dataset.shown === signature) return; // what a person points at stays
  folders.dataset.shown = signature;
  fill(folders, ...store.state.folders.map(folderCard).reverse());
}

function folderCard(folder) {
  const busy = store.state.jobs.some(isRunning);
  const fast = make("input", { type: "checkbox" });
  return make(
    "article", { class: "card folder" },
    make("h3", {}, folder.title),
    make("p", {}, folder.photos ? counted(folder.photos, "photo") : "no usable photo",
      folder.not_used ? `, ${counted(folder.not_used, "file")} not used` : ""),
    make("ul", { class: "plain" }, ...folder.bodies.map((body) =>
      make("li", {}, `${body.name}: ${counted(body.photos, "photo")}`))),
    make("ul", { class: "plain notes" }, ...folder.notes.map((note) => make("li", {}, note))),
    make("label", { class: "check" }, fast, " Skip dates (reads each photo only once)"),
    make("div", { class: "row" },
      make("button", { type: "button", class: "primary find", disabled: busy || !folder.photos,
        on: { click: () => find(folder, fast.checked) } }, "Find broken pixels"),
      make("button", { type: "button", disabled: busy, "aria-label": `Close ${folder.title}`,
        on: { click: () => tried(() => change(`api/folders/${folder.id}`, undefined, "DELETE")) } }, "Close")),
  );
}

function outcome(job) {
  if (job.kind === "open") return [make("p", {}, `${counted(job.result.photos ?? 0, "photo")} found.`)];
  return (job.result.bodies ?? []).map((body) => {
    if (body.map === null) return make("p", {}, `${body.name}: none of its photos could be used.`);
    const known = body.known ? `, ${body.known} known from before` : "";
    const left = body.left ? `, ${body.left} left` : "";
    return make("p", {}, make("b", {}, `${counted(body.broken, "broken pixel")} and ${counted(body.candidates, "candidate")}`),
      ` in ${body.name} (${body.read + body.repeats} read${known}${left}). `,
      make("a", { href: `#judge/${body.map}`, class: "button primary" }, "Judge them"));
  });
}
