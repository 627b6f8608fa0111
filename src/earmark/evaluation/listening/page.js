"use strict";
// Draws the report that stands in this page as data. Whatever comes from files goes in as text, never as markup.
(() => {
  const held = (id) => JSON.parse(document.getElementById(id).textContent);
  const report = held("report"), marking = held("marking");
  const PAGE = 100; // rows that are shown at once
  const state = { kind: Object.keys(report.kinds)[0], which: "all", order: "given", text: "", cell: null, many: PAGE };
  let shown = [], chosen = null, stages = [], loading = null;

  // ---- elements ------------------------------------------------------------------------------------------------
  const byId = (id) => document.getElementById(id);

  function put(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }
  const el = (tag, attributes, ...children) => put(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    put(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  const number = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
  const clock = (s) => `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;
  const judged = (right) => (right === null ? "" : right ? "✓ right" : "✗ wrong");
  const plain = (text) => text.normalize("NFC").toLowerCase();
  const name = (row) => row.of.map((i) => report.recordings[i].name).join("  |  ");

  // ---- head ----------------------------------------------------------------------------------------------------
  byId("title").textContent = report.title;
  byId("intro").append(...report.intro.map((sentence) => el("p", {}, sentence)));
  byId("figures").append(...report.figures.map(([what, value, low, high]) =>
    el("li", {}, el("b", {}, `${what} ${number(value)}`), ` [${number(low)}, ${number(high)}]`)));
  byId("how").textContent = marking
    ? `Marks are saved in ${marking.file} on this machine as they are made.`
    : `Labels can be marked as wrong, corrected or doubtful where \`earmark listen ${report.task}\` shows this page; ` +
      "there every recording of the list can be heard, too.";

  // ---- confusion matrix ----------------------------------------------------------------------------------------
  function matrix({ title, rows, columns, values, unit }) {
    const seconds = (value) => (value < 0.05 ? "<0.1" : value.toFixed(value < 9.95 ? 1 : 0));
    const said = (value) => (unit === "s" ? `${value.toFixed(1)} s` : `${value} ${unit}`);
    const head = el("tr", {}, el("td", {}, el("span", { class: "corner" }, "true ↓  heard →")),
      columns.map((column) => el("th", { scope: "col" }, el("span", {}, column))));
    const body = rows.map((row, i) => {
      const sum = values[i].reduce((a, b) => a + b, 0);
      return el("tr", {}, el("th", { scope: "row" }, row), columns.map((column, j) => cell(i, j, row, column, sum)));
    });
    function cell(i, j, row, column, sum) {
      const value = values[i][j];
      if (!value) return el("td", {});
      const button = el("button", {
        type: "button", class: row === column ? "diagonal" : "", "data-cell": `${i},${j}`,
        "aria-label": `true ${row}, heard ${column}: ${said(value)}`, onclick: () => open([i, j]),
      }, unit === "s" ? seconds(value) : String(value));
      const share = value / sum;
      button.style.setProperty("--share", share);
      return el("td", {}, button);
    }
    return el("section", { id: "matrix", "aria-labelledby": "matrix-title" },
      el("h2", { id: "matrix-title" }, title),
      el("p", {}, "A cell opens what is behind it. Darker: a larger share of its row."),
      el("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": `${title}: cells` },
        el("table", { class: "matrix" }, el("thead", {}, head), el("tbody", {}, body))));
  }

  function open(cell) {
    const kind = report.rows.find((row) => same(row.cell, cell))?.kind;
    if (kind) state.kind = kind;
    Object.assign(state, { cell, which: "all", text: "", many: PAGE });
    fill();
    choose(shown[0] ?? null);
    byId("list-title").scrollIntoView({ block: "nearest" });
  }
  const same = (one, other) => one && other && one[0] === other[0] && one[1] === other[1];

  // ---- map of neighbours -----------------------------------------------------------------------------------------
  let link = null;
  function map({ x, y }) {
    const [left, top] = [Math.min(...x), Math.min(...y)];
    const [wide, high] = [Math.max(...x) - left || 1, Math.max(...y) - top || 1];
    const at = (i) => [20 + (560 * (x[i] - left)) / wide, 20 + (360 * (y[i] - top)) / high];
    const labels = [...new Set(x.map((_, i) => report.recordings[i].label))].sort();
    const hue = (label) => Math.round((360 * labels.indexOf(label)) / labels.length);
    const points = x.map((_, i) => {
      const [cx, cy] = at(i), one = report.recordings[i];
      const point = svg("circle", { cx, cy, r: 5, onclick: () => choose(pair(i, report.map.neighbours[i][0])) },
        svg("title", {}, `${one.label}: ${one.name}`));
      point.style.fill = `hsl(${hue(one.label)} 65% 50%)`;
      return point;
    });
    const middles = labels.length > 40 ? [] : labels.map((label) => {
      const own = x.map((_, i) => i).filter((i) => report.recordings[i].label === label).map(at);
      const mean = (k) => own.reduce((sum, place) => sum + place[k], 0) / own.length;
      return svg("text", { x: mean(0), y: mean(1) - 8, "text-anchor": "middle" }, label);
    });
    link = svg("line", { class: "link" });
    link.place = (i, j) => {
      const [[x1, y1], [x2, y2]] = [at(i), at(j)];
      put(link, { x1, y1, x2, y2 }, []);
    };
    return el("section", { id: "map", "aria-labelledby": "map-title" },
      el("h2", { id: "map-title" }, "Map of neighbours"),
      el("p", {}, "Utterances that sound alike to the model lie side by side (t-SNE). A point opens its nearest one."),
      svg("svg", { viewBox: "0 0 600 400", role: "img", "aria-label":
        "Map of utterances; the list and the neighbours beside each player say the same in words" },
      link, points, middles));
  }

  /** A row of two recordings that stands in no list: a recording and one of its neighbours. */
  function pair(i, [j, score]) {
    const [one, other] = [report.recordings[i], report.recordings[j]];
    const alike = one.label === other.label, taken = score >= report.pairs.threshold;
    return { of: [i, j], kind: "", truth: alike ? "same" : "different", answer: taken ? "same" : "different",
      right: alike === taken, score, cell: null, at: null };
  }

  // ---- list ------------------------------------------------------------------------------------------------------
  const marks = new Map((marking?.marks ?? []).map((mark) => [key(mark.recording, mark.start_s), mark]));
  function key(recording, start) { return `${recording}|${start ?? ""}`; }
  function markOf(row) {
    const found = row.of.map((i) => marks.get(key(i, report.corrects === "segment" ? trueAt(i, row.at?.[0])?.[0] : null)));
    return found.find((mark) => mark?.status) ?? null;
  }

  /** The true segment [start, end, label] of a recording at a time. */
  function trueAt(i, s) {
    return report.recordings[i].lanes[0]?.segments.find(([start, end]) => start <= s + 1e-6 && s + 1e-6 < end);
  }

  const orders = {
    given: () => 0,
    unsure: (a, b) => a.sure - b.sure,
    doubt: (a, b) => b.doubt - a.doubt,
    name: (a, b) => name(a).localeCompare(name(b)),
  };

  function wanted(row) {
    if (state.cell ? !same(row.cell, state.cell) : row.kind !== state.kind) return false;
    if (state.which !== "all" && row.right !== (state.which === "right")) return false;
    if (!state.text) return true;
    return [name(row), row.truth, row.answer, ...row.of.map((i) => report.recordings[i].label)]
      .some((text) => plain(text).includes(plain(state.text)));
  }

  function fill() {
    shown = report.rows.filter(wanted).sort(orders[state.order]);
    const table = byId("rows");
    table.tHead.replaceChildren(el("tr", {}, ["", "recording", "true", "heard", report.score, ...(marking ? ["mark"] : [])]
      .map((column) => el("th", { scope: "col" }, column || el("span", { class: "unseen" }, "judged")))));
    table.tBodies[0].replaceChildren(...shown.slice(0, state.many).map(line));
    byId("count").textContent = `${shown.length} of ${report.rows.filter((row) => row.kind === state.kind).length} ` +
      report.kinds[state.kind];
    byId("more").hidden = shown.length <= state.many;
    byId("cell").replaceChildren();
    if (state.cell) {
      const [i, j] = state.cell;
      byId("cell").append(`true ${report.matrix.rows[i]}, heard ${report.matrix.columns[j]} `,
        el("button", { type: "button", onclick: () => { all(); byId("list-title").focus(); } }, "Show all"));
    }
    byId("kind").value = state.kind;
    byId("which").value = state.which;
    if (byId("search").value !== state.text) byId("search").value = state.text; // or the caret would jump
  }

  function all() {
    Object.assign(state, { cell: null, which: "all", text: "", many: PAGE });
    fill();
  }

  function line(row) {
    const when = row.at ? ` ${clock(row.at[0])}–${clock(row.at[1])}` : "";
    const mark = markOf(row);
    return el("tr", { class: row === chosen ? "chosen" : "", "data-row": report.rows.indexOf(row),
      onclick: () => choose(row) },
    el("td", { class: row.right ? "right" : row.right === false ? "wrong" : "" }, judged(row.right)),
    el("td", {}, el("button", { type: "button", class: "plain" }, name(row) + when)),
    el("td", {}, row.truth), el("td", {}, row.answer), el("td", {}, number(row.score)),
    marking ? el("td", {}, mark ? [mark.status, mark.corrected].filter(Boolean).join(": ") : "") : null);
  }

  // ---- player ----------------------------------------------------------------------------------------------------
  function choose(row) {
    stages.forEach((stage) => stage.audio?.pause());
    stages = [];
    loading?.abort();
    loading = new AbortController();
    chosen = row;
    for (const one of byId("rows").tBodies[0].rows) one.classList.toggle("chosen", report.rows[one.dataset.row] === row);
    const heard = byId("heard");
    const none = state.cell ? "None of what is behind this cell is among the rows that this page holds, a sample."
      : "Nothing is listed here.";
    if (!row) return heard.replaceChildren(el("p", {}, none));
    const verdict = (row.truth || row.answer ? ` true: ${row.truth || "–"}, heard: ${row.answer || "–"}` : "") +
      ` (${report.score} ${number(row.score)})`;
    byId("announced").textContent = `${name(row)}: ${judged(row.right)}${verdict}`;
    heard.replaceChildren(
      el("p", {}, el("span", { class: row.right ? "right" : "wrong" }, judged(row.right)), verdict),
      el("p", {}, walk(-1, "Previous"), " ", walk(1, "Next")),
      row.of.length > 1 && report.pairs ? scale(report.pairs, row.score) : "",
      ...row.of.map((i, place) => stageOf(i, row, place)));
    if (link && row.of.length > 1) link.place(row.of[0], row.of[1]);
    if (window.matchMedia("(max-width: 60rem)").matches) byId("player").scrollIntoView({ block: "start" });
  }

  /** A button to the next row, or the previous one, which has the focus again once it has been pressed. */
  const walk = (by, text) => el("button", { type: "button", "data-step": by, onclick: () => {
    step(by);
    byId("heard").querySelector(`[data-step="${by}"]`)?.focus();
  } }, text);

  function step(by) {
    const place = Math.min(Math.max(shown.indexOf(chosen) + by, 0), shown.length - 1);
    if (place >= state.many) { state.many += PAGE; fill(); }
    if (!shown.length) return;
    choose(shown[place]);
    byId("rows").tBodies[0].rows[place]?.scrollIntoView({ block: "nearest" });
  }

  /** The scores of all trials, of one speaker above and of two below, the threshold, and this pair. */
  function scale({ threshold, edges, same: alike, different }, score) {
    const [low, high] = [edges[0], edges[edges.length - 1]];
    const x = (value) => 10 + (580 * (value - low)) / (high - low);
    const most = Math.max(...alike, ...different);
    const bars = (shares, up) => shares.map((share, i) => svg("rect", { x: x(edges[i]), width: x(edges[i + 1]) - x(edges[i]),
      y: up ? 60 - (45 * share) / most : 60, height: (45 * share) / most, class: up ? "same" : "different" }));
    return svg("svg", { class: "scale", viewBox: "0 0 600 130", role: "img", "aria-label":
      `Score ${number(score)}; the threshold is ${number(threshold)}: at and above it two are taken for one speaker` },
    bars(alike, true), bars(different, false),
    svg("line", { x1: x(threshold), x2: x(threshold), y1: 4, y2: 112, class: "threshold" }),
    svg("text", { x: Math.min(Math.max(x(threshold), 130), 540), y: 124, "text-anchor": "middle" }, `threshold ${number(threshold)}`),
    svg("path", { d: `M${x(score)} 54 l-7 -14 h14 z`, class: "this" }),
    svg("text", { x: Math.min(Math.max(x(score), 40), 560), y: 34, "text-anchor": "middle" }, number(score)),
    svg("text", { x: 4, y: 14 }, "one speaker ↑"), svg("text", { x: 4, y: 124 }, "two ↓"));
  }

  function stageOf(i, row, place) {
    const one = report.recordings[i];
    const box = el("article", { class: "recording", "aria-label": one.name },
      el("h3", {}, one.name),
      el("p", {}, [one.label && `label: ${one.label}`, `${one.duration_s.toFixed(1)} s`, ...one.facts].filter(Boolean).join("; ")));
    const sound = el("div", {});
    box.append(sound);
    const stage = { i, one, box: sound, row, audio: null };
    stages[place] = stage;
    const clip = one.clip === null ? null : report.clips[one.clip];
    const there = clip && (clip.reason || !row.at || (clip.start_s <= row.at[0] && row.at[1] <= clip.start_s + clip.seconds + 0.05));
    if (there) sounding(stage, clip);
    else if (marking) fetched(stage);
    else {
      sound.append(el("p", {}, "This is not among the sounds of this page, which holds a sample; ",
        el("code", {}, `earmark listen ${report.task}`), " plays every one."));
      if (clip) sounding(stage, clip);
    }
    if (report.map?.neighbours[i]) box.append(neighbours(i));
    if (marking && report.corrects === "label") box.append(form(i, null, one.label));
    return box;
  }

  function fetched(stage) {
    const wait = el("p", { role: "status" }, "Loading the sound …");
    stage.box.append(wait);
    fetch(`clip/${stage.i}`, { headers: { "X-Earmark-Token": marking.token }, signal: loading.signal })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`the server says ${answer.status}`))))
      .then((clip) => { wait.remove(); sounding(stage, clip); })
      .catch((error) => { wait.textContent = `It cannot be played: ${error.message}.`; });
  }

  function sounding(stage, clip) {
    const { box, one, row } = stage;
    if (clip.reason) {
      box.append(el("p", {}, `It cannot be played: ${clip.reason}.`));
      return;
    }
    const from = clip.start_s, until = from + clip.seconds;
    const share = (s) => (100 * (Math.min(Math.max(s, from), until) - from)) / clip.seconds;
    const cursor = el("div", { class: "cursor" });
    const picture = el("div", { class: "picture", tabindex: "0", role: "slider", "aria-label": `place in ${one.name}`,
      "aria-valuemin": from.toFixed(1), "aria-valuemax": until.toFixed(1), "aria-valuenow": from.toFixed(1) },
    el("img", { alt: `spectrogram (${report.spectrogram})`, src: `data:image/png;base64,${clip.picture}` }));
    const readout = el("p", { class: "readout" });
    const audio = el("audio", { controls: true, preload: "auto", "aria-label": one.name,
      src: `data:audio/mpeg;base64,${clip.sound}` });
    stage.audio = audio;
    stage.stop = null;
    const seek = (s, play) => {
      audio.currentTime = Math.min(Math.max(s - from, 0), clip.seconds);
      if (play) audio.play().catch(() => {}); // a browser may want a click first
      draw();
    };
    stage.seek = seek;
    const pointed = (event) => from + (clip.seconds * event.offsetX) / picture.clientWidth;
    picture.addEventListener("click", (event) => { stage.stop = null; seek(pointed(event), true); });
    picture.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) { event.preventDefault(); seek(from + audio.currentTime + by, false); }
    });
    function draw() {
      const now = from + audio.currentTime;
      cursor.style.left = `${share(now)}%`;
      picture.setAttribute("aria-valuenow", now.toFixed(1));
      readout.textContent = `${clock(now)}  ${heardAt(one, now)}`;
      if (stage.stop !== null && now >= stage.stop) { audio.pause(); stage.stop = null; }
      if (!audio.paused && box.isConnected) requestAnimationFrame(draw);
    }
    for (const happens of ["play", "pause", "seeked", "loadedmetadata"]) audio.addEventListener(happens, draw);
    audio.addEventListener("error", () => { readout.textContent = "This browser cannot decode the sound."; });
    const track = el("div", { class: "track" }, picture, axis(from, clip.seconds));
    if (one.votes) track.append(...votes(one.votes, share, from, until));
    for (const [place, lane] of one.lanes.entries()) track.append(segments(stage, lane, place, share, from, until));
    track.append(cursor);
    box.append(track, readout, audio, el("div", { class: "form" }));
    if (row.at) picture.append(range(row.at, share));
    const begin = () => seek(row.at ? row.at[0] : one.start_s > from ? one.start_s : from, false);
    audio.addEventListener("loadedmetadata", begin, { once: true });
    draw();
    if (marking && report.corrects === "segment" && row.at) segmentForm(stage, row.at[0]);
  }

  function range([start, end], share) {
    const mark = el("div", { class: "range" });
    mark.style.left = `${share(start)}%`;
    mark.style.width = `${share(end) - share(start)}%`;
    return mark;
  }

  function axis(from, seconds) {
    const every = [0.5, 1, 2, 5, 10, 30, 60, 120].find((s) => seconds / s <= 10) ?? 300;
    const ticks = [];
    for (let s = Math.ceil(from / every) * every; s < from + seconds; s += every) {
      const tick = el("span", {}, `${s % 1 ? s.toFixed(1) : s} s`);
      tick.style.left = `${(100 * (s - from)) / seconds}%`;
      ticks.push(tick);
    }
    return el("div", { class: "axis", "aria-hidden": "true" }, ticks);
  }

  /** The mean of the windows that cover each stretch between their bounds: [start, end, value] by label. */
  function stretches({ starts, window_s: length, p }, k) {
    const bounds = [...new Set(starts.flatMap((s) => [s, s + length]))].sort((a, b) => a - b);
    return bounds.slice(0, -1).map((start, n) => {
      const middle = (start + bounds[n + 1]) / 2;
      const over = p[k].filter((_, w) => starts[w] <= middle && middle < starts[w] + length);
      return [start, bounds[n + 1], over.length ? over.reduce((a, b) => a + b, 0) / over.length : 0];
    });
  }

  function votes(said, share, from, until) {
    return said.labels.map((label, k) => {
      const bars = stretches(said, k).filter(([start, end]) => end > from && start < until)
        .map(([start, end, value]) => svg("rect", { x: share(start), width: Math.max(share(end) - share(start), 0),
          y: 100 - 100 * value, height: 100 * value }));
      return el("div", { class: "vote" }, el("span", {}, label),
        svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" }, bars));
    });
  }

  function heardAt(one, now) {
    const parts = [];
    if (one.votes) {
      one.steps ??= one.votes.labels.map((_, k) => stretches(one.votes, k));
      one.votes.labels.forEach((label, k) => {
        const there = one.steps[k].find(([start, end]) => start <= now && now < end);
        if (there) parts.push(`${label} ${there[2].toFixed(2)}`);
      });
    }
    for (const lane of one.lanes) {
      const there = lane.segments.find(([start, end, label]) => label && start <= now && now < end);
      if (there) parts.push(`${lane.name} ${there[2]}`);
    }
    return parts.join("   ");
  }

  // ---- lanes of segments -------------------------------------------------------------------------------------------
  const NATURALS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
  /** Roots a fifth apart look alike; N and X have no hue. */
  function hueOf(label) {
    const found = /^([A-G])([b#]*)/.exec(label);
    if (!found) return null;
    const bends = [...found[2]].reduce((sum, sign) => sum + (sign === "#" ? 1 : -1), 0);
    return ((((NATURALS[found[1]] + bends) * 7) % 12 + 12) % 12) * 30;
  }

  function segments(stage, lane, place, share, from, until) {
    const inside = lane.segments.filter(([start, end]) => end > from && start < until);
    const buttons = inside.map(([start, end, label], n) => {
      const hue = hueOf(label), text = `${lane.name} ${label}, ${clock(start)} to ${clock(end)}`;
      const button = label
        ? el("button", { type: "button", tabindex: n ? "-1" : "0", title: text, "aria-label": text, onclick: () => {
          stage.stop = Math.min(end, until);
          stage.seek(start, true);
          if (place === 0 && marking && report.corrects === "segment") segmentForm(stage, start);
        } }, label)
        : el("span", { class: "differs" });
      button.style.left = `${share(start)}%`;
      button.style.width = `${share(end) - share(start)}%`;
      if (hue !== null) button.style.setProperty("--hue", hue);
      button.classList.toggle("rootless", hue === null);
      return button;
    });
    const row = el("div", { class: "segments", role: "group", "aria-label": lane.name, onkeydown: (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key], now = buttons.indexOf(event.target);
      const next = by && buttons[now + by];
      if (next) {
        event.preventDefault();
        event.target.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      }
    } }, buttons);
    return el("div", { class: "lane" }, el("span", { class: "lane-name" }, lane.name), row);
  }

  // ---- neighbours and marks ------------------------------------------------------------------------------------------
  function neighbours(i) {
    const label = report.recordings[i].label;
    return el("details", {}, el("summary", {}, "Nearest utterances"), el("ol", {}, report.map.neighbours[i].map(([j, score]) => {
      const other = report.recordings[j];
      return el("li", {}, el("button", { type: "button", class: "plain", onclick: () => {
        choose(pair(i, [j, score]));
        byId("player").focus();
      } },
        `${other.label}: ${other.name}`), ` ${number(score)}${other.label === label ? "" : " (another speaker)"}`);
    })));
  }

  function segmentForm(stage, start) {
    const there = trueAt(stage.i, start);
    if (there) stage.box.querySelector(".form").replaceChildren(form(stage.i, there, there[2]));
  }

  /** What a person says of a label: the whole recording's, or a segment's [start, end, label]. */
  function form(i, segment, label) {
    const had = marks.get(key(i, segment?.[0])) ?? {};
    const id = `mark-${i}-${segment?.[0] ?? "all"}`;
    const status = el("select", { id: `${id}-status` }, ["", "wrong", "corrected", "doubtful"]
      .map((value) => el("option", { value, selected: value === (had.status ?? "") }, value || "fine, or not said")));
    const right = el("input", { id: `${id}-right`, list: "labels", value: had.corrected ?? "", maxlength: "200" });
    const note = el("input", { id: `${id}-note`, value: had.note ?? "", maxlength: "1000" });
    const done = el("p", { role: "status", class: "saved" });
    right.addEventListener("input", () => { if (right.value) status.value = "corrected"; });
    const of = segment ? `${label}, ${clock(segment[0])} to ${clock(segment[1])}` : label;
    return el("form", { class: "mark", onsubmit: (event) => {
      event.preventDefault();
      const corrected = status.value === "corrected" ? right.value.trim() : "";
      save({ recording: i, start_s: segment?.[0] ?? null, status: status.value, corrected, note: note.value }, done);
    } }, el("fieldset", {}, el("legend", {}, `The label “${of}”`),
      el("label", {}, "is ", status), el("label", {}, " rather ", right), el("label", {}, " note ", note),
      el("button", { type: "submit" }, "Save"), done));
  }

  function save(mark, done) {
    done.textContent = "Saving …";
    fetch("mark", { method: "POST", body: JSON.stringify(mark),
      headers: { "Content-Type": "application/json", "X-Earmark-Token": marking.token } })
      .then(async (answer) => {
        if (!answer.ok) throw new Error((await answer.text()) || `the server says ${answer.status}`);
        marks.set(key(mark.recording, mark.start_s), mark);
        done.textContent = "Saved.";
        fill();
      })
      .catch((error) => { done.textContent = `Not saved: ${error.message}`; });
  }

  // ---- start -----------------------------------------------------------------------------------------------------
  if (marking) document.body.append(el("datalist", { id: "labels" }, report.labels.map((label) => el("option", { value: label }))));
  if (report.matrix) byId("overview").append(matrix(report.matrix));
  if (report.map) byId("overview").append(map(report.map));
  byId("kind").append(...Object.entries(report.kinds).map(([value, text]) => el("option", { value }, text)));
  byId("kind").parentElement.hidden = Object.keys(report.kinds).length < 2;
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["kind", "which", "order"]) {
    byId(id).addEventListener("change", (event) => {
      state[id] = event.target.value;
      if (id === "kind") state.cell = null;
      state.many = PAGE;
      fill();
    });
  }
  byId("search").addEventListener("input", (event) => { state.text = event.target.value; fill(); });
  byId("more").addEventListener("click", () => { state.many += PAGE; fill(); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest(".mark")) return;
    if (event.key === "Escape") return all();
    if (event.target.closest("input, select, textarea, audio")) return;
    if (event.key === "/") { event.preventDefault(); byId("search").focus(); }
    if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
    if (event.key === " " && !event.target.closest("button, summary, a")) {
      const audio = stages[0]?.audio;
      if (audio) { event.preventDefault(); audio.paused ? audio.play().catch(() => {}) : audio.pause(); }
    }
  });
  fill();
})();
