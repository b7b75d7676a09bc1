// What the viewer draws with: elements, canvases, the parts of a chart. Knows nothing of experiments.
const drawing = (() => {
  const SIDE = 720; // of the larger side of a canvas, in pixels

  const SHAPES = ["path", "line", "text"];

  /** An element of HTML, or a shape of the namespace that the chart is in; text only ever as text. */
  function element(kind, attributes = {}, text) {
    const shape = SHAPES.includes(kind);
    const chart = document.getElementById("viewer-chart");
    const made = shape ? document.createElementNS(chart.namespaceURI, kind) : document.createElement(kind);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /** A picture with most of its colour taken out, so that the heat's are the only strong ones. */
  function greyed(image) {
    const canvas = element("canvas");
    const scale = SIDE / Math.max(image.naturalWidth, image.naturalHeight);
    canvas.width = Math.round(image.naturalWidth * scale);
    canvas.height = Math.round(image.naturalHeight * scale);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let p = 0; p < pixels.data.length; p += 4) {
      const grey = 0.299 * pixels.data[p] + 0.587 * pixels.data[p + 1] + 0.114 * pixels.data[p + 2];
      for (let c = p; c < p + 3; c++) pixels.data[c] = 0.75 * grey + 0.25 * pixels.data[c];
    }
    context.putImageData(pixels, 0, 0);
    return canvas;
  }

  /** Heat as colours, the more opaque the higher. */
  function coloured(heat, colours) {
    const canvas = element("canvas");
    [canvas.width, canvas.height] = [heat.width, heat.height];
    const image = new ImageData(heat.width, heat.height);
    const top = colours.length - 1;
    heat.values.forEach((value, p) => image.data.set(colours[Math.round(Math.max(value, 0) * top)], 4 * p));
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  /** A box over its dark edge, which shows on bright pictures; a thin one goes without. */
  function outline(context, box, colour, dash, thickness = 4) {
    const [w, h] = [context.canvas.width, context.canvas.height];
    const sizes = [box[0] * w, box[1] * h, (box[2] - box[0]) * w, (box[3] - box[1]) * h];
    const dark = thickness > 3 ? [["#1c2027", thickness + 4, []]] : [];
    for (const [style, width, dashes] of [...dark, [colour, thickness, dash]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.setLineDash(dashes);
      context.strokeRect(...sizes);
    }
  }

  // The chart's own units, as in its viewBox.
  const [WIDTH, HEIGHT] = [480, 150];
  const X = (value) => 34 + value * (WIDTH - 44);
  const Y = (value) => HEIGHT - 24 - value * (HEIGHT - 34);
  const path = (points) => points.map(([x, y], n) => `${n ? "L" : "M"}${X(x).toFixed(1)} ${Y(y).toFixed(1)}`).join("");

  /** A grid from 0 to 1 both ways, with its numbers. */
  function axes() {
    const parts = [];
    for (const value of [0, 0.25, 0.5, 0.75, 1]) {
      parts.push(element("line", { class: "grid", x1: X(0), x2: X(1), y1: Y(value), y2: Y(value) }));
      parts.push(element("text", { x: X(0) - 5, y: Y(value) + 4, "text-anchor": "end" }, value));
      parts.push(element("text", { x: X(value), y: HEIGHT - 6, "text-anchor": "middle" }, value));
    }
    return parts;
  }

  /** An upright line at a threshold. */
  function marker(value, name, side) {
    return element("line", { class: `${name} ${side.name}`, x1: X(value), x2: X(value), y1: Y(0), y2: Y(1) });
  }

  return { element, greyed, coloured, outline, axes, path, marker, X, Y };
})();
