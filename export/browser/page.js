// What the person sees: a place to drop a photo, the photo, and its answer.
import { answer, decode, open } from "./visionft.js";

const place = (name) => document.getElementById(name);
const folder = new URLSearchParams(location.search).get("bundle") ?? "bundle";
const percent = (share) => `${(100 * share).toFixed(1)} %`;

place("drop").addEventListener("dragover", (event) => event.preventDefault());
place("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  tell(event.dataTransfer.files[0]);
});
place("file").addEventListener("change", () => tell(place("file").files[0]));

const opened = open(folder);
opened.then(
  ({ record }) => say(`${record.backbone}, ${record.classes.length} classes. Drop a photo.`),
  (error) => say(error.message),
);
opened.catch(() => {});

async function tell(file) {
  if (!file) return;
  show(file);
  say(`${file.name} …`);
  try {
    const bundle = await opened;
    const image = await decode(file);
    const begin = performance.now();
    const told = await answer(bundle, image);
    const milliseconds = Math.round(performance.now() - begin);
    say(told.unknown ? `${file.name}: likely none of the classes` : `${file.name}: ${told.label}`);
    place("note").textContent = `${image.width} × ${image.height} pixels, answered in ${milliseconds} ms`;
    rank(told);
  } catch (error) {
    say(`${file.name} cannot be answered: ${error.message}`);
  }
}

function show(file) {
  URL.revokeObjectURL(place("photo").src);
  place("photo").src = URL.createObjectURL(file);
  place("photo").hidden = false;
  place("note").textContent = "";
  place("ranks").replaceChildren();
}

function rank(told) {
  for (const { label, probability } of told.top) {
    const row = document.createElement("li");
    const [name, bar, share] = ["span", "meter", "span"].map((kind) => document.createElement(kind));
    name.textContent = label;
    bar.value = probability;
    share.textContent = percent(probability);
    row.append(name, bar, share);
    place("ranks").append(row);
  }
}

function say(words) {
  place("said").textContent = words;
}
