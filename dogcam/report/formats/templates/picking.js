// The list of kept pictures in the viewer: searched, sorted, walked along by keys.
// `rank` says by which number an order sorts a picture, `about` what is told of it, and whether its class is wrong.
const picking = ({ pictures, at, rank, about, choose }) => {
  const names = pictures.map(({ id, label }) => `${label} ${id}`.toLowerCase());
  const list = at("list");
  let [order, chosen] = [[], 0];

  // A picture is decoded when its place comes into view: hundreds at once would delay the page.
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
        target.firstChild.src = pictures[target.dataset.picture].source;
        seen.unobserve(target);
      }
    },
    { root: list, rootMargin: "0px 400px" },
  );

  function thumbnail({ id, label }, picture) {
    const { element } = drawing;
    const made = element("button", { type: "button", role: "option", tabindex: -1, "data-picture": picture, title: id });
    made.append(element("img", { alt: "", decoding: "async" }), element("span", { dir: "auto" }, label || id));
    made.append(element("b", { "aria-hidden": true, hidden: "" }, "✗"));
    made.addEventListener("click", () => choose(picture));
    seen.observe(made);
    return made;
  }

  const thumbnails = pictures.map(thumbnail);

  /** Mark the chosen picture, whose place is the only stop for the Tab key, and bring it into view. */
  function mark(picture) {
    chosen = picture;
    const stop = order.includes(chosen) ? chosen : order[0];
    for (const each of order) {
      thumbnails[each].setAttribute("aria-selected", each === chosen);
      thumbnails[each].tabIndex = each === stop ? 0 : -1;
    }
    reveal();
  }

  /** Scroll the list alone, never the page. */
  function reveal() {
    const made = thumbnails[chosen];
    if (made.isConnected) list.scrollLeft = made.offsetLeft - (list.clientWidth - made.offsetWidth) / 2;
  }

  /** List what is searched for, in the order that is asked for. */
  function show() {
    const wanted = at("search").value.trim().toLowerCase();
    const ranks = pictures.map((_, picture) => rank(at("sort").value, picture));
    const found = [...ranks.keys()].filter((picture) => names[picture].includes(wanted));
    order = found.sort((a, b) => ranks[a] - ranks[b] || a - b);
    for (const picture of order) {
      const { words, wrong } = about(picture);
      thumbnails[picture].setAttribute("aria-label", words);
      thumbnails[picture].lastChild.hidden = !wrong;
    }
    list.replaceChildren(...order.map((picture) => thumbnails[picture]));
    at("previous").disabled = at("next").disabled = order.length < 2;
    mark(chosen);
  }

  /** The next picture or the one before, round and round. */
  function step(by) {
    const here = order.indexOf(chosen);
    if (order.length) choose(order[here < 0 ? 0 : (here + by + order.length) % order.length]);
  }

  /** Arrows walk along the list, as in any list of choices. */
  function walk(event) {
    const [here, last] = [order.indexOf(chosen), order.length - 1];
    const to = { ArrowRight: Math.min(here + 1, last), ArrowLeft: Math.max(here - 1, 0), Home: 0, End: last }[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    choose(order[to]);
    thumbnails[order[to]].focus({ preventScroll: true });
  }

  list.addEventListener("keydown", walk);
  return { show, mark, step, place: () => order.indexOf(chosen), count: () => order.length };
};
