"use strict";
// One entry: its scores, its tasks, its model card; and one task of it with all samples.
(() => {
  const { h, percent, count, known } = board;
  const PAGE = 20;

  const crumbs = (...parts) => h("nav", { class: "crumbs", "aria-label": "Breadcrumb" },
    parts.map((part, i) => [i ? h("span", { "aria-hidden": "true" }, " / ") : null, part]));
  board.crumbs = crumbs;

  board.showEntry = async (main, id) => {
    const entry = board.entry(id);
    const detail = await board.load(id + "/entry");
    const benchmark = board.data.benchmarks[entry.benchmark];
    main.replaceChildren(...[
      crumbs(board.link([], "Leaderboard"), h("a", { href: "#/?env=" + encodeURIComponent(benchmark.key) }, benchmark.name)),
      h("h1", {}, entry.model, board.chips(entry)),
      ...doubts(entry, detail),
      h("section", { class: "headline" },
        h("p", { class: "figure" }, percent(entry.pass1.value), h("small", {}, "pass@1")),
        h("div", {}, board.bar(entry.pass1, benchmark, true),
          h("p", { class: "hint" }, known(entry.pass1.low) ? `95% interval ${board.range(entry.pass1)} · ` : "",
            entry.rank ? `rank ${entry.rank} of ${entry.of} in ${benchmark.name}` : `without a rank in ${benchmark.name}`),
          board.marks([benchmark]))),
      board.facts([["Samples", `${count(entry.tasks)} tasks × ${entry.n}`], ["Backend", entry.backend],
        ["Tokens a sample", known(entry.tokens) ? count(entry.tokens) : null], ["Finished", entry.finished.slice(0, 10)],
        ...detail.rates.map(([name, value]) => [name, percent(value)])]),
      h("div", { class: "columns" }, scores(detail), board.curves([entry], benchmark), domains(detail)),
      against(entry, detail),
      tasks(entry, detail),
      card(detail),
    ].filter(Boolean));
  };

  // Rewards are no shares, and may lie beyond 1.
  const plain = (value) => (known(value) ? value.toFixed(3) : "–");
  // Long names of domains break after their slashes.
  const breakable = (name) => name.split("/").flatMap((part, k) => k ? ["/", h("wbr", {}), part] : [part]);
  const scoreRows = (rows) => rows.map(([name, value, low, high]) => h("tr", {}, h("th", { scope: "row" }, breakable(name)),
    h("td", { class: "num" }, name === "reward" ? plain(value) : percent(value)), h("td", { class: "track" }, board.bar({ value, low, high })),
    h("td", { class: "num soft wide" }, name === "reward" && known(low) ? `${plain(low)} – ${plain(high)}` : board.range({ low, high }))));

  const scores = (detail) => h("section", {}, h("h2", {}, "Scores"),
    h("table", { class: "plain" }, h("tbody", {}, scoreRows(detail.scores))));

  const domains = (detail) => detail.domains.length > 1 && h("section", {}, h("h2", {}, "pass@1 by domain"),
    h("table", { class: "plain" }, h("tbody", {}, scoreRows(detail.domains))));

  const doubts = (entry, detail) => [
    entry.withheld && board.warning("The submitter withholds the tasks and transcripts of this entry by a canary. Nobody but the host can look at them."),
    entry.ungraded && board.warning("The samples were not graded again, so that this score has no rank: ", h("code", { dir: "auto" }, detail.why.slice(0, 1000))),
    ...entry.copies.map(([id, share]) => board.warning(`${percent(share)} of the longer replies are word for word those of `,
      board.link(["entry", id], board.entry(id).model), ": one model under two names, or one of both was copied. Whose replies they are is not known.")),
  ].filter(Boolean);

  const against = (entry, detail) => {
    if (!detail.pairs.length) return null;
    const choice = h("select", { "aria-label": "compare with", onchange: (event) => {
      if (event.target.value) location.hash = "#/compare/" + entry.id + "/" + event.target.value;
    } }, h("option", { value: "" }, "choose an entry"),
      detail.pairs.map(([other]) => h("option", { value: other }, board.entry(other).model + " · " + percent(board.entry(other).pass1.value))));
    return h("p", { class: "comparer" }, h("label", {}, h("span", {}, "Compare with "), choice));
  };

  const tasks = (entry, detail) => {
    if (!detail.tasks.length) {
      return h("section", {}, h("h2", {}, "Tasks"), h("p", { class: "nothing" },
        entry.withheld ? "The submitter withholds the tasks and transcripts." : entry.private ? "The split is private: its tasks and transcripts are not shown." : "No tasks."));
    }
    const rows = detail.tasks.map((task, index) => ({ task, index }));
    const state = { which: "all", text: "", most: PAGE };
    const kinds = {
      all: () => true,
      "always passes": ([, , samples, passed]) => samples > 0 && passed === samples,
      sometimes: ([, , samples, passed]) => passed > 0 && passed < samples,
      never: ([, , samples, passed]) => samples > 0 && passed === 0,
      "not scored": ([, , samples]) => samples === 0,
    };
    const body = h("tbody");
    const more = h("button", { type: "button", class: "more", onclick: () => {
      state.most += 10 * PAGE;
      draw();
    } });
    const told = h("p", { class: "hint", role: "status" });
    const draw = () => {
      const found = rows.filter(({ task }) => kinds[state.which](task) && (task[0] + " " + task[1]).toLowerCase().includes(state.text.toLowerCase()));
      told.textContent = found.length === rows.length ? count(rows.length) + " tasks" : `${count(found.length)} of ${count(rows.length)} tasks`;
      body.replaceChildren(...found.slice(0, state.most).map(({ task, index }) => row(entry, task, index)));
      more.hidden = found.length <= state.most;
      more.textContent = "Show more of " + count(found.length);
    };
    const present = Object.keys(kinds).filter((name) => rows.some(({ task }) => kinds[name](task)));
    const section = h("section", {}, h("h2", {}, "Tasks"),
      h("div", { class: "filters" },
        h("label", {}, h("span", {}, "Passes"), h("select", { name: "which", onchange: (event) => {
          state.which = event.target.value;
          draw();
        } }, present.map((name) => h("option", { value: name }, name)))),
        h("label", { class: "text" }, h("span", {}, "Search"), h("input", { type: "search", placeholder: "task, domain …", oninput: (event) => {
          state.text = event.target.value;
          draw();
        } }))),
      told, grid(entry, detail),
      h("table", { class: "plain tasks" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "task"), h("th", { scope: "col", class: "wide" }, "domain"),
        h("th", { scope: "col", class: "num" }, "pass"), h("th", { scope: "col", class: "num wide" }, "reward"))), body),
      more);
    draw();
    return section;
  };

  // All tasks at a glance. The table below says the same, so neither the keyboard nor a screen reader stops here.
  const grid = (entry, detail) => h("p", { class: "grid", "aria-hidden": "true" },
    detail.tasks.slice(0, 2000).map(([id, , samples, passed], index) => board.link(["entry", entry.id, "task", String(index)], "",
      { tabindex: "-1", title: `${id}: ${passed} of ${samples}`, class: samples ? null : "none",
        style: { "--share": samples ? passed / samples : 0 } })));

  const row = (entry, [id, domain, samples, passed, reward], index) => h("tr", {},
    h("th", { scope: "row" }, board.mark(passed, samples), board.link(["entry", entry.id, "task", String(index)], id)),
    h("td", { class: "soft wide" }, domain), h("td", { class: "num" }, samples ? `${passed} of ${samples}` : "–"),
    h("td", { class: "num wide" }, known(reward) ? reward.toFixed(3) : "–"));

  const card = (detail) => h("section", { class: "card" }, h("h2", {}, "Model card"),
    detail.card.map(([title, pairs]) => pairs.length > 0 && [h("h3", {}, title), board.facts(pairs)]),
    detail.words && h("div", { class: "words", dir: "auto", tabindex: "0", role: "region", "aria-label": "the submitter's words" }, detail.words),
    h("p", { class: "hint" }, "The scores are those of the transcripts, " + (board.data.checked && !detail.why ? "whose verdicts were graded again. " : "whose verdicts infinite-rl submit --check grades again. ") +
      "The model's name, its sampling, the hardware, times and declarations are the submitter's word."));

  board.showTask = async (main, id, number) => {
    const entry = board.entry(id);
    const detail = await board.load(id + "/entry");
    const index = Number(number);
    const task = detail.tasks[index];
    if (!task) throw new Error("There is no such task.");
    const found = await board.transcripts(entry, detail.tasks, index);
    const step = (to, text) => (detail.tasks[to] ? board.link(["entry", id, "task", String(to)], text, { class: "button" }) : h("span"));
    main.replaceChildren(...[
      crumbs(board.link([], "Leaderboard"), board.link(["entry", id], entry.model)),
      h("h1", {}, task[0]),
      board.facts([["Domain", task[1]], ["Pass", `${task[3]} of ${task[2]}`], ["Reward", known(task[4]) ? task[4].toFixed(3) : null]]),
      found && board.opening(found.opening),
      found ? h("div", { class: "samples" }, found.samples.map((sample) => board.sample(sample)))
        : board.notice("No transcripts", "This entry shows none for this task."),
      h("nav", { class: "steps", "aria-label": "Tasks" }, step(index - 1, "← previous task"), step(index + 1, "next task →")),
    ].filter(Boolean));
  };
})();
