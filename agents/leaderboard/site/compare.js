"use strict";
// Two entries of one environment, task by task.
(() => {
  const { h, percent, signed, count } = board;
  const PAGE = 30;

  const rate = (task) => (task && task[2] ? task[3] / task[2] : null);

  const pairOf = (detail, other) => {
    const pair = detail.pairs.find(([id]) => id === other);
    if (!pair) throw new Error("These two were not measured on the same tasks, so there is nothing to compare.");
    const [, difference, low, high, p, onlyFirst, onlySecond, wins, losses, ties] = pair;
    return { difference, low, high, p, onlyFirst, onlySecond, wins, losses, ties };
  };

  board.showComparison = async (main, first, second) => {
    const [a, b] = [board.entry(first), board.entry(second)];
    const [left, right] = await Promise.all([board.load(first + "/entry"), board.load(second + "/entry")]);
    const pair = pairOf(left, second);
    main.replaceChildren(...[
      board.crumbs(board.link([], "Leaderboard"), h("span", {}, board.data.benchmarks[a.benchmark].name)),
      h("h1", { class: "versus" }, board.link(["entry", first], a.model), board.chips(a), h("span", { class: "soft" }, " and "),
        board.link(["entry", second], b.model), board.chips(b)),
      h("section", { class: "headline" },
        h("p", { class: "figure" }, signed(pair.difference), h("small", {}, "points of pass@1")),
        h("div", {}, h("p", {}, verdict(pair, a, b)),
          h("p", { class: "hint" }, `95% interval ${signed(pair.low)} to ${signed(pair.high)} points, paired over ${count(pair.wins + pair.losses + pair.ties)} tasks`))),
      balance(pair, a, b),
      board.facts([["First samples that only " + a.model + " passes", count(pair.onlyFirst)],
        ["only " + b.model, count(pair.onlySecond)], ["McNemar's exact p", board.chance(pair.p)]]),
      h("p", { class: "comparer" }, board.link(["compare", second, first], "The other way round", { class: "button" })),
      h("div", { class: "columns" }, board.curves([a, b], board.data.benchmarks[a.benchmark])),
      differences(a, b, left, right),
    ].filter(Boolean));
  };

  const verdict = (pair, a, b) => {
    if (pair.low > 0) return `${a.model} is ahead of ${b.model}: the interval of the difference lies above zero.`;
    if (pair.high < 0) return `${a.model} is behind ${b.model}: the interval of the difference lies below zero.`;
    return "The interval of the difference holds zero: these tasks don't tell the two apart.";
  };

  const balance = ({ wins, losses, ties }, a, b) => {
    const all = wins + losses + ties || 1;
    const told = `${count(wins)} tasks better, ${count(ties)} alike, ${count(losses)} worse`;
    return h("section", {}, h("h2", {}, "Tasks won and lost"),
      h("div", { class: "balance", role: "img", "aria-label": told },
        [["won", wins], ["tied", ties], ["lost", losses]].map(([name, value]) => h("i", { class: name, style: { width: (100 * value / all).toFixed(2) + "%" } }))),
      h("p", { class: "legend balance-legend" }, h("span", {}, h("b", {}, count(wins)), " ", a.model + " passes more often"),
        h("span", {}, h("b", {}, count(ties)), " alike"), h("span", {}, h("b", {}, count(losses)), " ", b.model + " passes more often")));
  };

  // By the index of the task: ids may repeat, where a small level asks the same twice.
  const joined = (left, right) => {
    const others = new Map(right.tasks.map((task, at) => [task[6], [task, at]]));
    return left.tasks.flatMap((task, index) => {
      const [other, at] = others.get(task[6]) || [];
      return other && rate(task) !== null && rate(other) !== null
        ? [{ id: task[0], domain: task[1], first: task, second: other, index, at, gap: rate(task) - rate(other) }] : [];
    });
  };

  const differs = (one) => one.gap !== 0;

  const differences = (a, b, left, right) => {
    const rows = board.sorted(joined(left, right), (one) => Math.abs(one.gap), true);
    if (!rows.length) return h("p", { class: "nothing" }, "The split is private: its tasks are not shown.");
    const state = { which: "different", most: PAGE };
    const kinds = { different: differs, won: (one) => one.gap > 0, lost: (one) => one.gap < 0, alike: (one) => one.gap === 0, all: () => true };
    const names = { different: "only tasks where they differ", won: `only where ${a.model} passes more often`,
      lost: `only where ${b.model} passes more often`, alike: "only tasks where they are alike", all: "all tasks" };
    const body = h("tbody");
    const more = h("button", { type: "button", class: "more", onclick: () => {
      state.most += 10 * PAGE;
      draw();
    } });
    const draw = () => {
      const found = rows.filter(kinds[state.which]);
      body.replaceChildren(...found.slice(0, state.most).map((one) => h("tr", {},
        h("th", { scope: "row" }, board.link(["compare", a.id, b.id, String(one.index)], one.id)), h("td", { class: "soft wide" }, one.domain),
        h("td", { class: "num" }, `${one.first[3]} of ${one.first[2]}`), h("td", { class: "num" }, `${one.second[3]} of ${one.second[2]}`),
        h("td", { class: "num " + (one.gap > 0 ? "good" : one.gap < 0 ? "bad" : "soft") }, signed(one.gap)))));
      if (!found.length) body.replaceChildren(h("tr", {}, h("td", { class: "nothing", colspan: 5 }, "no such task")));
      more.hidden = found.length <= state.most;
      more.textContent = "Show more of " + count(found.length);
    };
    draw();
    return h("section", {}, h("h2", {}, "Task by task"),
      h("div", { class: "filters" }, h("label", {}, h("span", {}, "Show"), h("select", { name: "which", onchange: (event) => {
        state.which = event.target.value;
        draw();
      } }, Object.keys(kinds).map((name) => h("option", { value: name }, `${names[name]} (${count(rows.filter(kinds[name]).length)})`))))),
      h("table", { class: "plain tasks" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "task"), h("th", { scope: "col", class: "wide" }, "domain"),
        h("th", { scope: "col", class: "num" }, a.model), h("th", { scope: "col", class: "num" }, b.model), h("th", { scope: "col", class: "num" }, "points"))), body),
      more);
  };

  // From one difference to the next, the largest first, as the list of them.
  const steps = (tasks, one, to) => {
    const at = tasks.indexOf(one);
    return h("nav", { class: "steps", "aria-label": "Tasks where they differ" },
      at > 0 ? to(tasks[at - 1], "← previous difference") : h("span"), tasks[at + 1] ? to(tasks[at + 1], "next difference →") : h("span"));
  };

  board.showComparedTask = async (main, first, second, number) => {
    const [a, b] = [board.entry(first), board.entry(second)];
    const [left, right] = await Promise.all([board.load(first + "/entry"), board.load(second + "/entry")]);
    const tasks = board.sorted(joined(left, right), (task) => Math.abs(task.gap), true);
    const one = tasks.find(({ index }) => index === Number(number));
    if (!one) throw new Error("There is no such task.");
    const [mine, other] = await Promise.all([board.transcripts(a, left.tasks, one.index), board.transcripts(b, right.tasks, one.at)]);
    const side = (entry, found) => h("div", { class: "side" }, h("h2", {}, board.link(["entry", entry.id], entry.model)),
      found ? found.samples.map((sample) => board.sample(sample)) : h("p", { class: "nothing" }, "no transcripts"));
    main.replaceChildren(
      board.crumbs(board.link([], "Leaderboard"), board.link(["compare", first, second], `${a.model} and ${b.model}`)),
      h("h1", {}, one.id), mine ? board.opening(mine.opening) : "",
      h("div", { class: "sides" }, side(a, mine), side(b, other)),
      steps(tasks.filter(differs), one, (task, text) => board.link(["compare", first, second, String(task.index)], text, { class: "button" })));
  };
})();
