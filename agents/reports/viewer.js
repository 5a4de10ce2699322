"use strict";
// Everything from outside is put on the page as text, never as markup: textContent alone, and no attribute but our own.

const data = JSON.parse(document.getElementById("data").textContent);
const samples = data.samples;
const PAGE = 400, HEAD = 3000, TAIL = 800, STEP = 50000;
// So unlikely that the colour is full: e^-5 is 0.7%.
const FULL_LOGPROB = 5;
const RESULTS = { good: "full", partly: "part", bad: "none", none: "not scored" };
const MARKS = { good: "✓", partly: "◐", bad: "✗", none: "–" };
const at = (id) => document.getElementById(id);

let shown = [], current = -1, listed = PAGE, way = "text";

function make(tag, name = "", text = null, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== null) element.textContent = text;
  element.append(...children);
  return element;
}

function button(text, name, act) {
  const element = make("button", name, text);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

function kind(sample) {
  if (sample.reward === null || /error$/.test(sample.status)) return "none";
  if (sample.passed ?? sample.reward >= 1) return "good";
  return sample.reward <= 0 ? "bad" : "partly";
}

function number(value) {
  return value === null ? "–" : String(Number(value.toPrecision(4))).replace("-", "−");
}

function mark(sample) {
  const name = kind(sample);
  const element = make("span", name, MARKS[name]);
  element.setAttribute("aria-label", `reward ${RESULTS[name]}`);
  return element;
}

function pairs(rows) {
  const list = make("dl");
  for (const [name, value] of rows) list.append(make("div", "", null, make("dt", "", name), make("dd", "", value)));
  return list;
}

// Filters

function fill(id, values) {
  const choice = at(id);
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  choice.append(new Option(`all ${samples.length}`, ""));
  [...counts].forEach(([value, count]) => choice.append(new Option(`${value.slice(0, 60) || "–"} ${count}`, `=${value}`)));
  choice.parentElement.hidden = counts.size < 2;
}

function matches() {
  const [when, domain, status, result] = ["when", "domain", "status", "result"].map((id) => at(id).value);
  const least = at("least").value, most = at("most").value, text = at("search").value.toLowerCase();
  const agrees = (choice, value) => !choice || choice === `=${value}`;
  return samples.filter(
    (one) =>
      agrees(when, one.when) && agrees(domain, one.domain) && agrees(status, one.status) &&
      agrees(result, RESULTS[kind(one)]) &&
      (least === "" || (one.reward !== null && one.reward >= Number(least))) &&
      (most === "" || (one.reward !== null && one.reward <= Number(most))) &&
      (!text || holds(one, text)),
  );
}

function holds(sample, text) {
  const has = (value) => Boolean(value) && value.toLowerCase().includes(text);
  return has(sample.id) || has(sample.error) || has(sample.answer) || has(sample.expected) ||
    sample.messages.some((one) => has(one.text) || has(one.reasoning) || has(one.calls));
}

function filter() {
  shown = matches();
  listed = PAGE;
  at("list").replaceChildren();
  at("count").textContent = `${shown.length.toLocaleString("en")} of ${samples.length.toLocaleString("en")}`;
  show(shown.includes(samples[current]) ? current : shown.length ? shown[0].number : -1);
}

// The list

function row(sample) {
  const element = button("", "row", () => {
    document.body.classList.remove("listed");
    show(sample.number);
    window.scrollTo(0, 0);
  });
  element.append(mark(sample), make("span", "", sample.gist), make("span", "none", number(sample.reward)));
  const kinds = [sample.when, sample.domain, sample.status === "scored" ? "" : sample.status, sample.id];
  element.append(make("span", "kind", kinds.filter(Boolean).map((part) => part.slice(0, 60)).join(" · ")));
  return element;
}

// As many rows as somebody has looked at, and the current one.
function list() {
  const place = shown.findIndex((one) => one.number === current);
  while (place >= listed) listed += PAGE;
  const box = at("list");
  box.querySelector(".more")?.remove();
  const there = box.childElementCount;
  box.append(...shown.slice(there, listed).map(row));
  if (shown.length > listed) {
    box.append(button(`${(shown.length - listed).toLocaleString("en")} more`, "more", () => { listed += PAGE; list(); }));
  }
  box.querySelector("[aria-current]")?.removeAttribute("aria-current");
  const chosen = place < 0 ? null : box.children[place];
  if (chosen) {
    chosen.setAttribute("aria-current", "true");
    const row = chosen.getBoundingClientRect(), frame = box.getBoundingClientRect();
    if (row.top < frame.top || row.bottom > frame.bottom) box.scrollTop += row.top - frame.top - frame.height / 2;
  }
  at("place").textContent = shown.length ? `${place + 1} / ${shown.length}` : "none";
  at("previous").disabled = place <= 0;
  at("next").disabled = place < 0 || place === shown.length - 1;
}

// One sample

function show(which) {
  current = which;
  list();
  const box = at("sample"), sample = samples[which];
  if (!sample) {
    box.replaceChildren(make("p", "nothing", samples.length ? "No sample is like this." : "There are no samples."));
    return;
  }
  try { history.replaceState(null, "", `#${which + 1}`); } catch { /* a page within a page may not */ }
  const head = make("div", "head", null, make("h2", "", null, mark(sample), ` ${sample.id}`));
  for (const text of [sample.when, sample.domain, sample.status]) if (text) head.append(make("span", "chip", text));
  box.replaceChildren(head, pairs([["reward", number(sample.reward)], ...sample.components, ...sample.facts]));
  siblings(sample, box);
  if (sample.error) box.append(words(make("p", "error"), sample.error));
  for (const [name, text] of [["expected answer", sample.expected], ["answer that was read", sample.answer]]) {
    if (text) box.append(message(name, text));
  }
  if (sample.tokens) box.append(ways(sample));
  let turn = 0;
  for (const one of sample.messages) {
    const own = one.role === "assistant", colours = own && sample.tokens && way !== "text" && tokens(sample, turn);
    if (own) turn += 1;
    box.append(message(one.role, one.text, one, colours));
  }
  if (sample.left) box.append(make("p", "nothing", `${sample.left} more messages are left out.`));
}

function siblings(sample, box) {
  const others = samples.filter((one) => one.id === sample.id);
  if (others.length < 2) return;
  const strip = make("div", "siblings", `${others.length} samples of this task:`);
  let when = "";
  for (const one of others.slice(0, 128)) {
    if (one.when !== when) strip.append(make("span", "", one.when));
    when = one.when;
    const other = button("", "", () => show(one.number));
    other.append(mark(one));
    if (one === sample) other.setAttribute("aria-current", "true");
    strip.append(other);
  }
  box.append(strip);
}

function message(role, text, more = {}, coloured = null) {
  const section = make("section", role === "assistant" ? "message assistant" : "message", null, make("h3", "", role));
  if (more.reasoning) section.append(words(make("div", "words reasoning"), more.reasoning));
  if (coloured) section.append(coloured);
  else if (text || !(more.reasoning || more.calls)) section.append(words(make("div", "words"), text || "(no text)"));
  if (more.calls) section.append(words(make("div", "words"), more.calls));
  return section;
}

// A long text is folded, and unfolded piece by piece: a browser that lays out megabytes at once stands still.
function words(box, text) {
  box.dir = "auto";
  if (text.length <= HEAD + 2 * TAIL) {
    box.textContent = text;
    return box;
  }
  let end = edge(text, HEAD);
  const tail = edge(text, text.length - TAIL);
  const fold = button("", "fold", () => {
    const next = Math.min(edge(text, end + STEP), tail);
    fold.before(make("span", "chunk", text.slice(end, next)));
    end = next;
    if (end === tail) fold.remove();
    else told();
  });
  const told = () => {
    const left = tail - end;
    const size = left > STEP ? `${STEP.toLocaleString("en")} of ${left.toLocaleString("en")}` : left.toLocaleString("en");
    fold.textContent = `… show ${size} more characters`;
  };
  told();
  box.append(make("span", "", text.slice(0, end)), fold, make("span", "", text.slice(tail)));
  return box;
}

// No cut through a pair of surrogates.
function edge(text, place) {
  const code = text.charCodeAt(place);
  return code >= 0xdc00 && code < 0xe000 ? place + 1 : place;
}

// Tokens

function ways(sample) {
  const box = make("div", "ways");
  const names = { text: "text", logprob: "log-probs", advantage: "advantages" };
  for (const [name, title] of Object.entries(names)) {
    if (name === "advantage" && !sample.tokens.advantages) continue;
    const choice = button(title, "", () => { way = name; show(current); });
    choice.setAttribute("aria-pressed", String(way === name));
    box.append(choice);
  }
  if (way !== "text") {
    const span = way === "logprob" ? ["certain", "unlikely"] : ["below the others", "above"];
    box.append(make("span", "told", span[0]), make("span", `scale ${way}`), make("span", "told", span[1]));
    const told = make("output", "told", "point at a token");
    told.id = "told";
    box.append(told);
  }
  if (sample.tokens.left) box.append(make("span", "told", `the first ${sample.tokens.texts.length} tokens`));
  return box;
}

function tokens(sample, turn) {
  const { texts, logprobs, advantages, turns } = sample.tokens;
  const values = way === "advantage" ? advantages : logprobs;
  const most = way === "advantage" ? Math.max(...(advantages ?? [0]).map((one) => Math.abs(one ?? 0)), 1e-9) : FULL_LOGPROB;
  if (!values || !turns.includes(turn)) return null;
  const box = make("div", "words");
  texts.forEach((text, i) => {
    if (turns[i] !== turn) return;
    const token = make("span", "token", text.replaceAll("\n", "↵\n") || "∅");
    const value = values[i];
    if (value !== null) {
      const share = Math.min(1, Math.abs(value) / most) * 0.6;
      const side = way === "advantage" && value > 0 ? "above" : "below";
      token.style.backgroundColor = `rgb(var(--${side}) / ${share.toFixed(3)})`;
    }
    const tell = () => {
      box.querySelector(".chosen")?.classList.remove("chosen");
      token.classList.add("chosen");
      const likely = logprobs[i] === null ? "" : `, log-prob ${number(logprobs[i])} (${(100 * Math.exp(logprobs[i])).toPrecision(3)}%)`;
      const worth = advantages && advantages[i] !== null ? `, advantage ${number(advantages[i])}` : "";
      at("told").textContent = `token ${i + 1}${likely}${worth}`;
    };
    token.addEventListener("mouseenter", tell);
    token.addEventListener("click", tell);
    box.append(token);
  });
  return box;
}

// Keys and buttons

function go(by) {
  const place = shown.findIndex((one) => one.number === current) + by;
  if (!shown[place]) return;
  document.body.classList.remove("listed");
  show(shown[place].number);
  window.scrollTo(0, 0);
}

function unfold() {
  at("sample").querySelectorAll(".fold").forEach((fold) => fold.click());
}

function nextWay() {
  const tokens = samples[current]?.tokens;
  if (!tokens) return;
  const all = tokens.advantages ? ["text", "logprob", "advantage"] : ["text", "logprob"];
  way = all[(all.indexOf(way) + 1) % all.length];
  show(current);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const acts = { j: () => go(1), ArrowRight: () => go(1), k: () => go(-1), ArrowLeft: () => go(-1), t: nextWay, e: unfold, "/": () => at("search").focus() };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
});
at("filters").addEventListener("submit", (event) => event.preventDefault());
at("filters").addEventListener("change", filter);
let waiting;
at("filters").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
at("previous").addEventListener("click", () => go(-1));
at("next").addEventListener("click", () => go(1));
at("index").addEventListener("click", () => { document.body.classList.toggle("listed"); window.scrollTo(0, 0); });
window.addEventListener("hashchange", () => { const which = Number(location.hash.slice(1)) - 1; if (samples[which]) show(which); });

samples.forEach((one, i) => {
  one.number = i;
  const asked = one.messages.findLast((part) => part.role === "user") ?? one.messages[0];
  one.gist = (asked?.text ?? "").slice(0, 120).replace(/\s+/g, " ") || one.id;
});
at("title").textContent = data.title;
at("facts").replaceWith(Object.assign(pairs(data.facts), { id: "facts" }));
at("notes").hidden = !data.notes.length;
at("notes").append(...data.notes.map((note) => make("li", "", note)));
fill("when", samples.map((one) => one.when));
fill("domain", samples.map((one) => one.domain));
fill("status", samples.map((one) => one.status));
fill("result", samples.map((one) => RESULTS[kind(one)]));
const rewards = new Set(samples.map((one) => one.reward));
document.querySelector(".range").hidden = rewards.size < 3;
const asked = Number(location.hash.slice(1)) - 1;
current = samples[asked] ? asked : -1;
filter();
