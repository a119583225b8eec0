// Choose a folder of this computer, by going from folder to folder.

import { at, fill, make, tried } from "./elements.js";
import { look } from "./server.js";
import { counted } from "./words.js";

let here = null;

/** `onOpen` gets the path of the folder that was chosen. */
export function beginPicker({ onOpen }) {
  at("browse").addEventListener("click", () => {
    at("picker").showModal();
    go(here?.path ?? "");
  });
  at("picker-up").addEventListener("click", () => go(here.above));
  at("picker-home").addEventListener("click", () => go(here.home));
  at("picker-cancel").addEventListener("click", () => at("picker").close());
  at("picker-open").addEventListener("click", () => {
    at("picker").close();
    onOpen(here.path);
  });
}

async function go(path) {
  const found = await tried(() => look(`api/places${path ? `?path=${encodeURIComponent(path)}` : ""}`));
  if (!found) return;
  here = found;
  at("picker-path").textContent = here.path;
  at("picker-up").disabled = !here.above;
  at("picker-photos").textContent = `${counted(here.photos, "photo")} in this folder, not counting its subfolders`;
  fill(at("picker-folders"), ...here.folders.map((folder) =>
    make("li", {}, make("button", { type: "button", on: { click: () => go(folder.path) } }, folder.name))));
  if (!here.folders.length) at("picker-folders").append(make("li", { class: "hint" }, "no folder in it"));
}
