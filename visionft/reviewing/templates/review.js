"use strict";
const at = (id) => document.getElementById(id);
const PAGE = 60, AHEAD = 15, AROUND = 12, SHOWN = 12, EVERY = 3000;
const WORDS = { confirm: "label is right", relabel: "relabelled", drop: "dropped", review: "skipped", undo: "taken back" };
const MARKS = { confirm: "✓", relabel: "✎", drop: "✕", review: "…" };

const state = {
  overview: null, // what the server says of the whole queue
  cards: [], // those that are loaded, in the order of the queue
  index: 0, // of the shown one among them
  more: false, // whether there are cards after the loaded ones
  before: false, // whether there may be some before them
  lines: 0, // of the file that this page was told of
  edits: 0, // of the file by other programs, as far as this page knows
  busy: false,
  given: [], // answers of this page that can be taken back: {number, when, who}
  mine: new Map(), // the time of a line that this page had written -> the number of its photo
  recent: [], // classes that were chosen last
  picked: 0, // the marked option of the chooser
  load: 0, // counted up, so that an answer to an older question is passed over
};

class Refused extends Error {
  constructor(sentence, status = 0) { super(sentence); this.status = status; }
}
const GONE = 410; // there is nothing to take back, now or later

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused("The server does not answer, so nothing was written. Start `visionft review` again: all earlier answers are on the disk.");
  }
  const found = await response.json();
  if (!response.ok) throw new Refused(found.error, response.status);
  return found;
}

function say(id, text) { at(id).textContent = text; }

const done = (answer) => WORDS[answer.action] + (answer.action === "relabel" ? ` as ${answer.value}` : "");
const described = (answer) => `${done(answer)}, by ${answer.who || "nobody named"}`;

const current = () => state.cards[state.index];

function counted(found) {
  const doubtful = state.overview.kinds.filter((kind) => kind.name !== "rest");
  const all = doubtful.reduce((sum, kind) => sum + kind.number, 0);
  const done = doubtful.reduce((sum, kind) => sum + (found.answered_kinds[kind.name] || 0), 0);
  at("bar").max = Math.max(1, all);
  at("bar").value = done;
  const rest = found.answered_kinds.rest || 0;
  say("count", `${done.toLocaleString("en")} of ${all.toLocaleString("en")} doubtful answered` + (rest ? `, and ${rest.toLocaleString("en")} others` : ""));
}

function query(start, back) {
  const words = { kind: at("kind").value, label: at("label").value, state: at("state").value, start, most: PAGE };
  return "cards?" + new URLSearchParams(back ? { ...words, back: 1 } : words);
}

async function fill(start) {
  const asked = ++state.load;
  const found = await ask(query(start));
  if (asked !== state.load) return;
  state.cards = found.cards;
  state.more = found.more;
  state.before = start > 0;
  state.index = 0;
  show();
}

async function extend() {
  if (!state.more || state.index < state.cards.length - AHEAD) return;
  const asked = state.load;
  state.more = false; // until the answer is there nobody asks again
  const found = await ask(query(state.cards[state.cards.length - 1].number + 1));
  if (asked !== state.load) return;
  state.cards.push(...found.cards.filter((card) => card.number > state.cards[state.cards.length - 1].number));
  state.more = found.more;
  strip();
}

async function extendBack() {
  const asked = state.load;
  const found = await ask(query(state.cards[0].number - 1, true));
  if (asked !== state.load) return;
  state.cards.unshift(...found.cards.reverse());
  state.index += found.cards.length;
  state.before = found.more;
}

async function move(step) {
  if (!state.cards.length) return;
  if (state.index + step < 0 && state.before && state.cards[0].number > 0) await extendBack();
  const next = state.index + step;
  if (next < 0 || next > state.cards.length) return;
  if (next === state.cards.length && !state.more) { state.index = next; show(); return; }
  state.index = next;
  show();
}

function picture(image, card, number, path, label) {
  image.alt = `Photo ${path}, labelled ${label}`;
  const source = `photo/${number}/large`;
  if (image.getAttribute("src") !== source) image.src = source;
}

function show() {
  const card = current();
  close();
  for (const id of ["confirm", "accept", "relabel", "drop", "skip"]) at(id).disabled = !card;
  at("stage").hidden = !card;
  for (const id of ["proposal", "standing"]) at(id).hidden = true;
  at("why").replaceChildren();
  if (!card) {
    say("why-kind", "Nothing is left here. Choose another reason, class or state above, or end the command with ^C.");
    say("its-label", "–");
    strip();
    return;
  }
  picture(at("photo"), card, card.number, card.path, card.label);
  say("path", card.path);
  at("twin").hidden = card.other === null;
  if (card.other !== null) {
    picture(at("other"), card, card.other, card.other_path, card.other_label);
    say("other-path", `${card.other_path}, labelled ${card.other_label}`);
  }
  const kind = state.overview.kinds.find((found) => found.name === card.kind);
  say("why-kind", `${kind.title[0].toUpperCase()}${kind.title.slice(1)}: ${kind.means}.`);
  at("confirm").querySelector("span").textContent = card.kind === "duplicate" ? "Keep this one too" : "Label is right";
  say("its-label", card.label);
  at("proposal").hidden = !card.proposed;
  at("accept").disabled = !card.proposed;
  say("proposed", card.proposed);
  say("sure", card.sure === null ? "" : `probability ${card.sure.toFixed(2)}`);
  at("standing").hidden = !card.answer;
  if (card.answer) say("answer", described(card.answer));
  at("why").replaceChildren(...card.why.map((why) => Object.assign(document.createElement("li"), { textContent: why })));
  document.title = `${card.label} – Review`;
  strip();
  for (const ahead of state.cards.slice(state.index + 1, state.index + 3)) new Image().src = `photo/${ahead.number}/large`;
  extend().catch(failed);
}

function strip() {
  const first = Math.max(0, state.index - AROUND);
  const items = state.cards.slice(first, state.index + 2 * AROUND).map((card, place) => {
    const button = document.createElement("button");
    const image = Object.assign(document.createElement("img"), { loading: "lazy", alt: "", src: `photo/${card.number}/small` });
    const here = first + place === state.index;
    button.type = "button";
    button.dataset.number = card.number;
    button.tabIndex = here ? 0 : -1; // arrows move, so that Tab passes the strip in one step
    if (here) button.setAttribute("aria-current", "true");
    const answered = card.answer ? `, ${described(card.answer)}` : "";
    button.setAttribute("aria-label", `${card.path}, labelled ${card.label}${answered}`);
    button.append(image);
    if (card.answer) {
      button.dataset.done = "";
      button.append(Object.assign(document.createElement("b"), { textContent: MARKS[card.answer.action] || "?" }));
    }
    button.addEventListener("click", () => { state.index = first + place; show(); });
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  at("thumbs").replaceChildren(...items);
  const here = at("thumbs").querySelector("[aria-current]");
  if (here) at("thumbs").scrollLeft = here.offsetLeft - at("thumbs").offsetLeft - at("thumbs").clientWidth / 3;
  at("back").disabled = state.index === 0 && !state.before;
  at("next").disabled = state.index >= state.cards.length;
}

function replaced(card) {
  const place = state.cards.findIndex((found) => found.number === card.number);
  if (place >= 0) state.cards[place] = card;
  return place;
}

async function working(work) {
  if (state.busy) return;
  state.busy = true;
  document.body.setAttribute("aria-busy", "true");
  try {
    say("alert", "");
    await work();
  } catch (error) {
    failed(error);
  } finally {
    state.busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

function failed(error) {
  if (!(error instanceof Refused)) throw error;
  say("alert", error.message);
}

function answer(action, value = "") {
  const card = current();
  if (!card) return;
  return working(async () => {
    const found = await ask("answer", { number: card.number, action, value, who: at("who").value });
    say("notice", "");
    const known = card.answer && card.answer.when;
    if (found.before && found.before.when !== known && !state.mine.has(found.before.when)) {
      say("notice", `${card.path} was answered a moment ago: ${described(found.before)}. Your answer stands now.`);
    }
    if (found.written) {
      state.mine.set(found.answer.when, card.number);
      state.given.push({ number: card.number, when: found.answer.when, who: found.answer.who });
    } else if (found.answer.when !== known) {
      say("notice", `${card.path} was answered a moment ago: ${described(found.answer)}. It keeps that answer.`);
    }
    if (action === "relabel") state.recent = [value, ...state.recent.filter((name) => name !== value)].slice(0, 5);
    replaced(found.card);
    counted(found);
    await move(1);
  });
}

function undo() {
  return working(async () => {
    const last = state.given[state.given.length - 1] || { number: null, when: "", who: at("who").value };
    let found;
    try {
      found = await ask("undo", last);
    } catch (error) {
      if (error.status === GONE) state.given.pop(); // after another fault the next U takes back the same answer
      throw error;
    }
    state.given.pop();
    state.mine.set(found.when, found.card.number);
    say("notice", `Taken back: ${found.card.path}, ${described(found.taken)}.`);
    let place = replaced(found.card);
    if (place < 0) {
      place = state.cards.findIndex((card) => card.number > found.card.number);
      place = place < 0 ? state.cards.length : place;
      state.cards.splice(place, 0, found.card);
    }
    state.index = place;
    counted(found);
    show();
  });
}

async function reread() {
  if (!at("chooser").hidden) return; // the next question finds it again
  const found = await ask("overview");
  await fill(current() ? current().number : 0);
  counted(found);
  say("notice", `${found.file} was changed by another program, and is read again.`);
  state.lines = found.lines;
  state.edits = found.edits;
}

async function follow() {
  const found = await ask(`changes?since=${state.lines}`);
  if (found.edits !== state.edits) return reread();
  for (const change of found.changes) {
    if (state.mine.has(change.when) || change.number === null) continue;
    const answered = [...state.mine.values()].includes(change.number);
    const card = await ask(`card/${change.number}`);
    replaced(card);
    if (answered) say("notice", `${change.path}, which you answered, was answered by ${change.who}: ${done(change)}. The last answer stands.`);
    else if (current() && current().number === change.number) say("notice", `${change.who} answered this photo a moment ago: ${done(change)}.`);
    if (current() && current().number === change.number && at("chooser").hidden) show(); else strip();
  }
  counted(found);
  state.lines = found.lines;
}

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function matching(text) {
  const asked = plain(text.trim()), classes = state.overview.classes, card = current();
  if (!asked) {
    const first = [card && card.proposed, ...state.recent].filter(Boolean);
    return [...new Set([...first, ...classes])].slice(0, SHOWN);
  }
  const rank = (name) => {
    const found = plain(name);
    if (found === asked) return 0;
    if (found.startsWith(asked)) return 1;
    if (found.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(asked))) return 2;
    return found.includes(asked) ? 3 : 9;
  };
  return classes.map((name) => [rank(name), name]).filter(([place]) => place < 9)
    .sort((one, two) => one[0] - two[0]).slice(0, SHOWN).map(([, name]) => name);
}

function choices() {
  const names = matching(at("class").value);
  state.picked = Math.min(state.picked, Math.max(0, names.length - 1));
  at("classes").replaceChildren(...names.map((name, place) => {
    const option = Object.assign(document.createElement("li"), { id: `class-${place}`, textContent: name });
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(place === state.picked));
    option.addEventListener("mousedown", (event) => { event.preventDefault(); answer("relabel", name); });
    return option;
  }));
  if (names.length) at("class").setAttribute("aria-activedescendant", `class-${state.picked}`);
  else at("class").removeAttribute("aria-activedescendant");
  return names;
}

function open() {
  if (!current()) return;
  at("chooser").hidden = false;
  at("relabel").setAttribute("aria-expanded", "true");
  at("class").value = "";
  state.picked = 0;
  choices();
  at("class").focus();
  at("chooser").scrollIntoView({ block: "nearest" });
}

function close() {
  if (at("chooser").hidden) return;
  at("chooser").hidden = true;
  at("relabel").setAttribute("aria-expanded", "false");
  at("main").focus();
}

function typing(event) {
  const names = matching(at("class").value);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    state.picked = (state.picked + (event.key === "ArrowDown" ? 1 : -1) + names.length) % Math.max(1, names.length);
    choices();
  } else if (event.key === "Enter" && !event.isComposing) {
    if (names.length) answer("relabel", names[state.picked]);
    else say("alert", `No class has ${at("class").value} in its name.`);
  } else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
}

const KEYS = {
  c: () => answer("confirm"), d: () => answer("drop"), s: () => answer("review"), u: undo, r: open,
  a: () => current() && current().proposed && answer("relabel", current().proposed),
  ArrowLeft: () => move(-1).catch(failed), ArrowRight: () => move(1).catch(failed), "?": () => at("keys").showModal(),
};

function pressed(event) {
  const where = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || where.closest("input, select, textarea, dialog")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const answers = !key.startsWith("Arrow");
  if (!(key in KEYS) || (answers && event.repeat)) return; // a key that is held down is one answer
  event.preventDefault();
  if (!state.busy) KEYS[key]();
}

function option(value, text) { return Object.assign(document.createElement("option"), { value, textContent: text }); }

async function start() {
  at("shown").open = !matchMedia("(max-width: 44rem)").matches;
  const found = state.overview = await ask("overview");
  say("name", found.name);
  say("file", found.file);
  at("who").value = sessionStorage.getItem("who") || found.who;
  at("kind").replaceChildren(option("", `every reason (${found.photos.toLocaleString("en")})`),
    ...found.kinds.map((kind) => option(kind.name, `${kind.title} (${kind.number.toLocaleString("en")})`)));
  at("label").replaceChildren(option("", "every class"), ...found.classes.map((name) => option(name, name)));
  say("notice", found.notes.join(". "));
  state.lines = found.lines;
  state.edits = found.edits;
  counted(found);
  for (const id of ["kind", "label", "state"]) at(id).addEventListener("change", () => { at("main").focus(); fill(0).catch(failed); });
  at("who").addEventListener("change", () => sessionStorage.setItem("who", at("who").value));
  at("class").addEventListener("input", () => { state.picked = 0; choices(); });
  at("class").addEventListener("keydown", typing);
  const clicks = { confirm: KEYS.c, accept: KEYS.a, drop: KEYS.d, skip: KEYS.s, undo, help: KEYS["?"], back: KEYS.ArrowLeft, next: KEYS.ArrowRight };
  for (const [id, work] of Object.entries(clicks)) at(id).addEventListener("click", work);
  at("relabel").addEventListener("click", () => (at("chooser").hidden ? open() : close()));
  document.addEventListener("keydown", pressed);
  await fill(0);
  setInterval(() => { if (!state.busy && !document.hidden) follow().catch(() => {}); }, EVERY);
}

start().catch(failed);
