"use strict";
// What was said. All of it comes from models and is shown as text, however long and whatever it holds.
(() => {
  const { h, count, short, known } = board;
  const MOST = 20000;
  const PIECE = 10000;

  const words = (text, name) => {
    const box = h("div", { class: "words", tabindex: "0", role: "region", "aria-label": name, dir: "auto" }, text.slice(0, MOST));
    if (text.length <= MOST) return box;
    const more = h("button", { type: "button", class: "more", onclick: () => {
      box.replaceChildren(...pieces(text));
      more.remove();
      box.focus();
    } }, `Show all ${count(text.length)} characters`);
    return [box, more];
  };

  // A browser takes long over a line of a megabyte. In blocks it only has to lay out those that are in sight.
  const pieces = (text) => {
    const found = [];
    for (let start = 0; start < text.length; ) {
      const line = text.lastIndexOf("\n", start + PIECE) + 1;
      // After a whole line if there is one; else not between the halves of a character.
      let end = line > start + PIECE / 2 ? line : start + PIECE;
      if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end += 1;
      found.push(h("div", { class: "piece" }, text.slice(start, end)));
      start = end;
    }
    return found;
  };

  const blocks = (list) => list.length
    ? list.map(([role, text]) => [h("p", { class: "role" }, role), words(text, role)])
    : h("p", { class: "nothing" }, "no text");

  board.mark = (passed, samples) => {
    const [sign, name] = !samples ? ["–", "none"] : passed === samples ? ["✓", "good"] : passed ? ["◐", "partly"] : ["✗", "bad"];
    return h("b", { class: "sign " + name, title: samples ? `${passed} of ${samples} samples pass` : "no sample was scored" }, sign);
  };

  board.sample = (sample) => h("article", { class: "sample" },
    h("h3", {}, board.mark(sample.passed ? 1 : 0, sample.counts ? 1 : 0), "sample " + sample.number,
      sample.status !== "scored" && h("span", { class: "chip" }, sample.status),
      sample.finish === "length" && h("span", { class: "chip" }, "cut at the limit")),
    h("p", { class: "hint" }, [known(sample.reward) && "reward " + short(sample.reward),
      known(sample.tokens) && count(sample.tokens) + " tokens", known(sample.seconds) && board.duration(sample.seconds),
      sample.turns > 1 && sample.turns + " turns"].filter(Boolean).join(" · ")),
    sample.answer !== null && h("p", { class: "answer" }, "Answer: ", h("code", { dir: "auto" }, sample.answer.slice(0, 500))),
    sample.why && h("p", { class: "hint" }, sample.why.slice(0, 1000)),
    blocks(sample.blocks));

  board.opening = (list) => h("section", { class: "opening" }, h("h2", {}, "Task"), blocks(list));

  // One task's samples of one entry, from the file that holds them.
  board.transcripts = async (entry, tasks, index) => {
    const chunk = tasks[index][5];
    if (chunk === null) return null;
    const data = await board.load(entry.id + "/" + chunk);
    return data.tasks.find((one) => one.index === index) || null;
  };
})();
