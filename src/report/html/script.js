"use strict";
// The page is complete without this script. It filters findings, moves between them, and draws timelines. It reads
// text with textContent and writes text with textContent only, so text of a server never becomes markup.
(() => {
  const form = document.getElementById("filter");
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  const findings = [...document.querySelectorAll(".finding")];
  const causes = [...document.querySelectorAll(".cause")];
  const texts = new Map(findings.map((finding) => [finding, finding.textContent.toLowerCase()]));
  form.hidden = findings.length === 0;

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const outcomes = new Set([...form.querySelectorAll("[name=outcome]:checked")].map((box) => box.value));
    let count = 0;
    for (const finding of findings) {
      const text = texts.get(finding);
      const matches = outcomes.has(finding.dataset.outcome) && wanted.every((word) => text.includes(word));
      finding.hidden = !matches;
      count += matches;
    }
    for (const cause of causes) cause.hidden = !cause.querySelector(".finding:not([hidden])");
    shown.textContent = `${count} of ${findings.length} findings`;
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target === words) {
      if (event.key === "Escape") words.blur();
      return;
    }
    if (event.key === "/") {
      event.preventDefault();
      words.focus();
    } else if (event.key === "j" || event.key === "k") {
      const visible = findings.filter((finding) => !finding.hidden);
      const now = visible.indexOf(document.activeElement);
      const next = visible[event.key === "j" ? now + 1 : Math.max(now - 1, 0)];
      if (next) next.focus();
    }
  });

  const SVG = "http://www.w3.org/2000/svg";
  const [TIMES, LANE, TEXT, HEAD, ROW] = [100, 140, 520, 34, 22];
  // Milliseconds without a step that the diagram shows as a gap.
  const LONG = 500;

  function add(parent, name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  }

  function actorOf(step) {
    return step.querySelector("b")?.textContent ?? "";
  }

  // Clients stand on the left, in the order of their numbers, and processes on the right.
  function lanesOf(steps) {
    const actors = [...new Set(steps.map(actorOf).filter(Boolean))];
    const number = (actor) => Number(actor.replace(/\D/g, ""));
    const rank = (actor) => (actor.startsWith("client") ? 0 : 1);
    return actors.sort((a, b) => rank(a) - rank(b) || number(a) - number(b));
  }

  // An arrow on a lane of a process that has exited ends in a cross, because no process receives it.
  function arrow(svg, from, to, y, { dashed, cross, late }) {
    const back = to > from ? -8 : 8;
    add(svg, "line", { class: `arrow${dashed ? " dashed" : ""}${late ? " late" : ""}`, x1: from, x2: to, y1: y, y2: y });
    if (cross) add(svg, "path", { class: "cross", d: `M${to + back - 4} ${y - 4}l8 8m0 -8l-8 8` });
    else add(svg, "path", { class: late ? "tip late" : "tip", d: `M${to} ${y}l${back} -4l0 8z` });
  }

  // The call in which a process is blocked stands in its lane; the text beside the diagram has all of it.
  function state(svg, x, y, words) {
    const call = words.replace(/^is (blocked in )?/, "").split(",")[0];
    const shown = call.length > 16 ? `${call.slice(0, 15)}…` : call;
    add(svg, "rect", { class: "state", x: x - LANE / 2 + 2, y: y - 9, width: LANE - 4, height: 18, rx: 4 });
    add(svg, "text", { class: "call", x, y: y + 4 }, shown);
  }

  // Returns the lane of the process that a client of this step reaches, and whether that process has exited. It is the
  // newest process that is listening or launched; after its exit, one that still runs.
  function serverOf(lanes, living, known) {
    const alive = [...living].filter((actor) => lanes.includes(actor));
    const actor = alive.includes(known) ? known : alive.at(-1) ?? known;
    return { actor, late: alive.length === 0 };
  }

  function moment(step) {
    return Number.parseFloat(step.querySelector("i").textContent);
  }

  // Returns the height of each step in the diagram. A step that follows a long time of nothing stands lower.
  function rowsOf(steps) {
    let y = HEAD;
    return steps.map((step, row) => {
      const wait = row > 0 ? moment(step) - moment(steps[row - 1]) : 0;
      if (wait >= LONG) y += ROW;
      y += ROW;
      return { y: y - ROW / 2, wait: wait >= LONG ? wait : 0 };
    });
  }

  function drawLanes(svg, lanes, x, steps, rows, bottom) {
    lanes.forEach((actor, lane) => {
      const own = steps.map((step, row) => ({ kind: step.dataset.kind, row, actor: actorOf(step) })).filter((it) => it.actor === actor);
      const begin = own.find(({ kind }) => kind === "launch" || kind === "connect");
      const end = own.find(({ kind }) => kind === "exit" || kind === "close" || kind === "reset");
      const top = begin ? rows[begin.row].y : HEAD - 10;
      const until = end ? rows[end.row].y : bottom;
      add(svg, "text", { class: "head", x: x(lane), y: 16 }, actor);
      add(svg, "line", { class: "lane gone", x1: x(lane), x2: x(lane), y1: HEAD - 10, y2: bottom });
      add(svg, "line", { class: "lane", x1: x(lane), x2: x(lane), y1: top, y2: until });
    });
  }

  function drawStep(svg, step, lane, y, x, server) {
    const kind = step.dataset.kind;
    const client = actorOf(step).startsWith("client") && server.lane >= 0;
    const { late } = server;
    const [here, there] = [x(lane), x(server.lane)];
    if (client && kind === "receive") arrow(svg, there, here, y, { late });
    else if (client && kind === "receive-end") arrow(svg, there, here, y, { dashed: true, late });
    else if (client && kind === "send") arrow(svg, here, there, y, { cross: late, late });
    else if (client && ["connect", "shut-down", "close"].includes(kind)) arrow(svg, here, there, y, { dashed: true, cross: late, late });
    else if (client && kind === "reset") arrow(svg, here, there, y, { dashed: true, cross: true, late });
    else if (kind === "state") state(svg, here, y, step.querySelector("code").textContent);
    else if (kind === "signal") add(svg, "path", { class: "bolt", d: `M${here + 3} ${y - 8}l-6 8l6 0l-6 8` });
    else if (kind === "exit") add(svg, "path", { class: "end", d: `M${here - 8} ${y}l16 0` });
    else add(svg, "rect", { class: "tip", x: here - 4, y: y - 4, width: 8, height: 8 });
  }

  function draw(list) {
    const steps = [...list.children];
    const lanes = lanesOf(steps);
    if (lanes.length > 12) return;
    const x = (lane) => TIMES + LANE / 2 + lane * LANE;
    const rows = rowsOf(steps);
    const words = TIMES + lanes.length * LANE;
    const [width, height] = [words + TEXT, (rows.at(-1)?.y ?? HEAD) + ROW / 2 + 8];
    const box = document.createElement("div");
    box.className = "drawing";
    box.tabIndex = 0;
    const svg = document.createElementNS(SVG, "svg");
    for (const [key, value] of Object.entries({ class: "st", role: "img", viewBox: `0 0 ${width} ${height}`, width, height })) svg.setAttribute(key, value);
    svg.setAttribute("aria-label", "The timeline as a diagram: a lane for each actor, time downward");
    drawLanes(svg, lanes, x, steps, rows, height - 4);
    // A timeline without a launch begins with a server that runs.
    const living = new Set(lanes.filter((actor) => !actor.startsWith("client")).filter((actor) =>
      !steps.some((step) => actorOf(step) === actor && step.dataset.kind === "launch")));
    let known = [...living][0];
    steps.forEach((step, row) => {
      const { y, wait } = rows[row];
      const [actor, kind] = [actorOf(step), step.dataset.kind];
      if (wait) add(svg, "text", { class: "wait", x: words, y: y + 4 - ROW }, `${(wait / 1000).toFixed(1)} s pass`);
      if (kind === "launch") living.add(actor);
      if (kind === "launch" || kind === "ready") known = actor;
      if (kind === "exit") living.delete(actor);
      const server = serverOf(lanes, living, known);
      add(svg, "text", { class: "clock", x: TIMES - 12, y: y + 4 }, step.querySelector("i").textContent);
      const text = step.querySelector("code").textContent;
      add(svg, "text", { x: words, y: y + 4 }, text.length > 66 ? `${text.slice(0, 65)}…` : text);
      if (actor) drawStep(svg, step, lanes.indexOf(actor), y, x, { lane: lanes.indexOf(server.actor), late: server.late });
    });
    box.append(svg);
    list.before(box);
    const legend = document.createElement("p");
    legend.className = "legend";
    legend.textContent = "Solid arrow: bytes. Dashed: connect, end of a direction, close. Cross: a reset, or no process is left that receives it. Box: the call in which a process is blocked. Bar: it has exited.";
    const asText = document.createElement("details");
    asText.className = "steps";
    asText.append(Object.assign(document.createElement("summary"), { textContent: "The steps as text" }));
    box.after(legend, asText);
    asText.append(list);
  }

  for (const details of document.querySelectorAll("details.timeline")) {
    details.addEventListener("toggle", () => {
      const list = details.querySelector("ol");
      if (details.open && !details.querySelector(".drawing")) draw(list);
    });
    const first = details.closest(".cause")?.querySelector("details.timeline") === details;
    if (findings.length <= 10 || (first && causes.length <= 10)) details.open = true;
  }
  // On paper, the steps as text would repeat the diagram.
  window.addEventListener("beforeprint", () => {
    for (const list of document.querySelectorAll("details.timeline > ol")) draw(list);
    for (const it of document.querySelectorAll("details")) it.open = !it.classList.contains("steps");
  });
})();
