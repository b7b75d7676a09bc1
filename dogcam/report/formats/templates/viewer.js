// The viewer: shows what `dogcam.report.viewer` gave it. Names from elsewhere reach the page as textContent only.
(() => {
  const holder = document.getElementById("viewer-values");
  const root = document.getElementById("viewer");
  if (!holder || !root) return;
  const data = JSON.parse(holder.textContent);
  const at = (name) => document.getElementById(`viewer-${name}`);
  // Names are isolated, without marks of direction of their own, which could end that: they turn nothing around them.
  const isolated = (name) => `\u2068${String(name).replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069`;
  const NAMES = ["id", "label", "layer"];
  const { element, path, marker, axes, X, Y } = drawing;
  const say = (key, values = {}) => data.words[key].replace(/\{(\w+)\}/g, (_, name) => (NAMES.includes(name) ? isolated(values[name]) : (values[name] ?? "–")));
  const shown = (value, digits = 3) => (value == null ? "–" : value.toFixed(digits));
  const level = (value) => (value == null ? "–" : String(+value.toFixed(4)));
  const key = (...parts) => parts.join(" ");
  const maps = new Map(data.maps.map((each) => [key(each.run, each.epoch, each.pair), each]));
  const cells = new Map(data.cells.map((each) => [key(each.run, each.epoch, each.pair, each.protocol), each]));
  const firsts = new Map(data.predictions.map((each) => [key(each.run, each.epoch), each.first]));
  const place = (pair) => ({ ...data.pairs[pair], run: data.start.run, epoch: data.start.epoch });
  const sides = [
    { name: "a", line: "solid", ...place(data.start.first) },
    { name: "b", line: "dashed", ...place(data.start.second) },
  ];
  const state = { picture: data.start.picture, protocol: 0, mode: "one", threshold: 0, tabled: true, view: [] };
  const pictures = new Map();
  const REMEMBERED = 8;
  const protocol = () => data.protocols[state.protocol];
  const active = () => (state.mode === "one" ? sides.slice(0, 1) : sides);
  const pairOf = (side) => data.pairs.findIndex((each) => each.method === side.method && each.layer === side.layer);
  const cellOf = (side, pair = pairOf(side)) => cells.get(key(side.run, side.epoch, pair, state.protocol));

  /** Fill a list of choices, keeping what is chosen where it is still there. */
  function fill(select, options, chosen) {
    select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
    select.value = options.some(([value]) => String(value) === String(chosen)) ? chosen : options[0][0];
    return select.value;
  }

  const distinct = (values) => [...new Set(values)];

  /** What can be chosen beside what is chosen, one after the other: method, layer, run, epoch. */
  function offer(side) {
    const of = (name) => at(`${name}-${side.name}`);
    const titles = new Map(data.pairs.map((each) => [each.method, each.title]));
    side.method = fill(of("method"), [...titles], side.method);
    const layers = data.pairs.filter((each) => each.method === side.method).map((each) => [each.layer, each.layer]);
    side.layer = fill(of("layer"), layers, side.layer);
    const kept = data.maps.filter((each) => each.pair === pairOf(side));
    const runs = distinct(kept.map((each) => each.run));
    side.run = +fill(of("run"), runs.map((run) => [run, run]), side.run);
    const epochs = kept.filter((each) => each.run === side.run).map((each) => each.epoch);
    side.epoch = +fill(of("epoch"), epochs.map((epoch) => [epoch, epoch]), side.epoch);
  }

  function heatOf(side) {
    const set = maps.get(key(side.run, side.epoch, pairOf(side)));
    const map = set && localize.restored(set, state.picture);
    const picture = data.pictures[state.picture];
    return map && localize.prepare(map, protocol(), [picture.height, picture.width]);
  }

  // ---- what the tables say of a picture ----

  const iouOf = (side, picture) => cellOf(side)?.iou[picture] ?? null;
  const right = (picture) => firsts.get(key(sides[0].run, sides[0].epoch))?.[picture]?.[1];

  /** How far the methods' scores at the same layer lie apart; of one method alone, at all layers. */
  function disagreement(picture) {
    const all = data.pairs.map(({ layer }, pair) => [layer, cellOf(sides[0], pair)?.iou[picture]]);
    const known = all.filter(([, iou]) => iou != null);
    const same = known.filter(([layer]) => layer === sides[0].layer);
    const values = (same.length > 1 ? same : known).map(([, iou]) => iou);
    return values.length ? Math.max(...values) - Math.min(...values) : 0;
  }

  function predicted(side, picture) {
    const first = firsts.get(key(side.run, side.epoch))?.[picture];
    return first ? say(first[1] ? "right" : "wrong", { label: first[0] }) : "";
  }

  const RANKS = {
    kept: (picture) => picture,
    low: (picture) => iouOf(sides[0], picture) ?? 2,
    high: (picture) => -(iouOf(sides[0], picture) ?? -1),
    apart: (picture) => -disagreement(picture),
    wrong: (picture) => (right(picture) === false ? 0 : 1),
  };

  /** What the list says of a picture depends on what is chosen of map A. */
  function about(picture) {
    const { id, label } = data.pictures[picture];
    const wrong = right(picture) === false;
    const words = say("thumb", { label, id, iou: shown(iouOf(sides[0], picture), 2) });
    return { wrong, words: wrong ? `${words} ${predicted(sides[0], picture)}` : words };
  }

  function list() {
    picker.show();
    at("none").textContent = picker.count() ? "" : say("none");
  }

  function choose(picture) {
    state.picture = picture;
    picker.mark(picture);
    refresh();
  }

  // ---- the picture with its heat and boxes ----

  /** The picture that heat is drawn on; the last few stay in memory. */
  async function background(picture) {
    if (pictures.has(picture)) return;
    const image = new Image();
    image.src = data.pictures[picture].source;
    await image.decode();
    if (pictures.size >= REMEMBERED) pictures.delete(pictures.keys().next().value);
    pictures.set(picture, drawing.greyed(image));
  }

  /** Draw some sides on one canvas: each one's heat with its share, then the annotated boxes, then theirs. */
  function paint(canvas, layers) {
    const picture = pictures.get(state.picture);
    const context = canvas.getContext("2d");
    [canvas.width, canvas.height] = [picture.width, picture.height];
    context.drawImage(picture, 0, 0);
    for (const [view, share] of layers) {
      context.globalAlpha = share;
      if (view.image) context.drawImage(view.image, 0, 0, canvas.width, canvas.height);
    }
    context.globalAlpha = 1;
    const colours = getComputedStyle(root);
    for (const box of data.pictures[state.picture].boxes) drawing.outline(context, box, colours.getPropertyValue("--annotated"), [14, 10]);
    // The second one is thinner, so that the first shows below it where both are the same.
    for (const [view] of layers) {
      const first = view.side.name === "a";
      const colour = colours.getPropertyValue(first ? "--first" : "--second");
      if (view.box) drawing.outline(context, view.box, colour, [], layers.length > 1 ? (first ? 8 : 3) : 4);
    }
  }

  function draw() {
    if (!pictures.has(state.picture)) return;
    const [first, second] = state.view;
    if (state.mode === "blend" && second) {
      const share = +at("mix").value / 100;
      paint(at("canvas-a"), [[first, 1 - share], [second, share]]);
    } else state.view.forEach((view) => paint(at(`canvas-${view.side.name}`), [[view, 1]]));
  }

  // ---- the threshold: what it draws, and what it scores ----

  function measure() {
    const truth = data.pictures[state.picture].boxes;
    for (const view of state.view) {
      view.threshold = (state.tabled ? cellOf(view.side)?.threshold : null) ?? state.threshold;
      view.box = view.heat && localize.box(view.heat, view.threshold);
      view.iou = localize.iou(view.box, truth, protocol());
    }
  }

  function told(view) {
    if (!view.heat) return say("missing");
    if (view.empty) return say("empty");
    return say(view.box ? "iou" : "nobox", { iou: shown(view.iou), threshold: level(view.threshold) });
  }

  function inTables(side) {
    const cell = cellOf(side);
    const iou = iouOf(side, state.picture);
    return iou == null ? say("unscored") : say("evaluated", { iou: shown(iou), threshold: level(cell.threshold) });
  }

  const where = (side) => say("where", { ...side, method: data.pairs[pairOf(side)].title });

  function caption(view) {
    const side = view.side;
    at(`where-${side.name}`).textContent = where(side);
    at(`told-${side.name}`).textContent = told(view);
    at(`tables-${side.name}`).textContent = inTables(side);
    at(`class-${side.name}`).textContent = predicted(side, state.picture);
    const words = { id: data.pictures[state.picture].id, where: where(side), iou: told(view) };
    at(`canvas-${side.name}`).setAttribute("aria-label", say("alt", words));
  }

  let later = 0;

  /** Tell a screen reader once the threshold rests, not at every pixel of a drag. */
  function announce() {
    clearTimeout(later);
    later = setTimeout(() => {
      const { id, label } = data.pictures[state.picture];
      const place = picker.place();
      const here = { id, label, place: place < 0 ? "–" : place + 1, count: picker.count() };
      const parts = state.view.map((view) => `${where(view.side)}: ${told(view)}`);
      at("said").textContent = [say("picture", here), ...parts].join(" ");
    }, 250);
  }

  /** Set the threshold of all maps, or give each one that of its tables and show the first one's. */
  function move(threshold, tabled = false) {
    state.threshold = threshold;
    state.tabled = tabled;
    const slider = at("threshold");
    slider.value = threshold;
    slider.setAttribute("aria-valuetext", level(threshold));
    at("level").textContent = level(threshold);
    measure();
    state.view.forEach(caption);
    draw();
    mark();
    announce();
  }

  // ---- the curves ----

  /** This picture's IoU at even thresholds. */
  function own(view) {
    const truth = data.pictures[state.picture].boxes;
    return Array.from({ length: 50 }, (_, n) => [n / 50, localize.iou(localize.box(view.heat, n / 50), truth, protocol())]);
  }

  function charts() {
    const parts = axes();
    const words = [];
    for (const view of state.view) {
      const cell = cellOf(view.side);
      if (view.heat) parts.push(element("path", { class: `own ${view.side.name}`, d: path(own(view)) }));
      if (cell?.threshold != null) parts.push(marker(cell.threshold, "chosen", view.side));
      if (cell?.curve) {
        parts.push(element("path", { class: `mean ${view.side.name}`, d: path(cell.curve) }), marker(cell.oracle, "oracle", view.side));
        words.push(`${where(view.side)}: ${say("curve", { high: shown(cell.high), oracle: level(cell.oracle) })}`);
      }
    }
    if (!words.length) words.push(say("nocurve"));
    parts.push(element("line", { class: "now", y1: Y(0) + 3, y2: Y(1) - 3 }));
    at("chart").replaceChildren(...parts);
    at("chart").setAttribute("aria-label", words.join(" "));
    at("curve").textContent = words.join(" ");
  }

  function mark() {
    const now = at("chart").querySelector(".now");
    for (const name of ["x1", "x2"]) now?.setAttribute(name, X(state.threshold));
  }

  /** Buttons that put the threshold where the tables have it, and where the oracle would. */
  function jumps() {
    const made = [];
    if (active().length > 1) {
      made.push(element("button", { type: "button" }, say("each")));
      made[0].addEventListener("click", () => move(tabledOf(), true));
    }
    for (const side of active()) {
      const cell = cellOf(side);
      const offered = cell ? [[cell.threshold, cell.source], [cell.oracle, "oracle"]] : [];
      for (const [value, name] of offered) {
        if (value == null) continue;
        const text = say(name, { value: level(value) });
        const button = element("button", { type: "button", class: side.name }, active().length > 1 ? say("side", { side: side.name.toUpperCase(), text }) : text);
        button.addEventListener("click", () => move(value));
        made.push(button);
      }
    }
    const here = [...at("jumps").children].indexOf(document.activeElement);
    at("jumps").replaceChildren(...made);
    if (here >= 0) (made[here] ?? root).focus({ preventScroll: true }); // or keys would go nowhere
  }

  // ---- all of it ----

  let turn = 0;

  /** Show another picture, method or protocol, at the threshold that is set. */
  async function refresh() {
    const mine = ++turn;
    state.view = active().map((side) => ({ side, heat: heatOf(side) }));
    for (const view of state.view) {
      view.empty = view.heat && !view.heat.values.some((value) => value > 0);
      view.image = view.heat && drawing.coloured(view.heat, data.colours);
    }
    const { id, label } = data.pictures[state.picture];
    const name = element("bdi", {}, id);
    at("picture").replaceChildren(...(label ? [element("bdi", {}, label), " · ", name] : [name]));
    charts();
    jumps();
    await background(state.picture);
    if (mine === turn) move(state.threshold, state.tabled);
  }

  const tabledOf = () => cellOf(sides[0])?.threshold ?? 0.2;

  function rechoose() {
    sides.forEach(offer);
    root.dataset.mode = state.mode;
    at("side-b").hidden = state.mode === "one";
    at("panel-b").hidden = state.mode === "one";
    at("blend").hidden = state.mode !== "blend";
    at("about").textContent = protocol().description;
    list();
    refresh();
  }

  function listen() {
    for (const side of sides)
      for (const name of ["method", "layer", "run", "epoch"])
        at(`${name}-${side.name}`).addEventListener("change", (event) => {
          side[name] = name === "run" || name === "epoch" ? +event.target.value : event.target.value;
          offer(side);
          if (side.name === "a") [state.threshold, state.tabled] = [tabledOf(), true];
          rechoose();
        });
    at("protocol").addEventListener("change", (event) => {
      state.protocol = +event.target.value;
      [state.threshold, state.tabled] = [tabledOf(), true];
      rechoose();
    });
    for (const radio of root.querySelectorAll('[name="viewer-mode"]'))
      radio.addEventListener("change", () => { state.mode = radio.value; rechoose(); });
    at("search").addEventListener("input", list);
    at("sort").addEventListener("change", list);
    at("threshold").addEventListener("input", (event) => move(+event.target.value));
    at("mix").addEventListener("input", draw);
    at("previous").addEventListener("click", () => picker.step(-1));
    at("next").addEventListener("click", () => picker.step(1));
    root.addEventListener("keydown", keys);
  }

  /** N and P turn the pages from anywhere in the viewer where letters do not mean something else. */
  function keys(event) {
    const typing = event.target.matches('select, input[type="search"]');
    const by = { n: 1, p: -1 }[event.key.toLowerCase()];
    if (!by || typing || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    picker.step(by);
  }

  const picker = picking({ pictures: data.pictures, at, rank: (order, picture) => RANKS[order](picture), about, choose });
  fill(at("protocol"), data.protocols.map((each, n) => [n, each.name]), 0);
  at("notes").replaceChildren(...data.notes.map((note) => element("p", { class: "note" }, note)));
  sides.forEach(offer);
  state.threshold = tabledOf();
  listen();
  root.hidden = false;
  for (const link of document.querySelectorAll("[data-viewer]")) link.hidden = false;
  rechoose();
  picker.mark(state.picture);
})();
