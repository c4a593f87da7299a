/** Walking through a drawing: arrow keys go along its lines; what rests on a node, and on what it rests, stands out. */

/**
 * @typedef {import("./main.js").Data} Data
 * @typedef {import("./drawing.js").Place} Place
 */

/**
 * @param {Element} image @param {Data} data @param {Map<string, Place>} places
 */
export function walkable(image, data, places) {
  const links = new Map([...image.querySelectorAll("a")].map((link) => [/** @type {string} */ (link.dataset.id), link]));
  const above = grouped(data.edges, "to", "from");
  const below = grouped(data.edges, "from", "to");

  /** @param {string} id */
  function go(id) {
    const link = links.get(id);
    for (const one of links.values()) one.setAttribute("tabindex", one === link ? "0" : "-1");
    link?.focus();
    link?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** The next node in a column, or undefined. @param {string} id @param {number} sign */
  function beside(id, sign) {
    const here = places.get(id);
    if (!here) return undefined;
    return [...places].filter(([other, { x, y }]) => other !== id && Math.abs(x - here.x) < here.width / 2 && sign * (y - here.y) > 0)
      .sort(([, a], [, b]) => sign * (a.y - b.y))[0]?.[0];
  }

  /** The one among some nodes that is drawn nearest. @param {string} id @param {string[]} some */
  const nearest = (id, some) => [...some].sort((a, b) => away(a, id) - away(b, id))[0];
  const away = (/** @type {string} */ a, /** @type {string} */ b) => Math.abs((places.get(a)?.y ?? 0) - (places.get(b)?.y ?? 0));

  /** @param {string | undefined} id */
  function emphasise(id) {
    const sources = id === undefined ? new Set() : reached(id, above);
    const resting = id === undefined ? new Set() : reached(id, below);
    for (const [one, link] of links) {
      link.firstElementChild?.classList.toggle("source", sources.has(one));
      link.firstElementChild?.classList.toggle("resting", resting.has(one));
    }
    for (const edge of image.querySelectorAll("g[data-from]")) {
      const { from = "", to = "" } = /** @type {SVGElement} */ (edge).dataset;
      edge.classList.toggle("source", sources.has(from) && (sources.has(to) || to === id));
      edge.classList.toggle("resting", resting.has(to) && (resting.has(from) || from === id));
    }
  }

  image.addEventListener("keydown", (event) => {
    const { key, target } = /** @type {KeyboardEvent} */ (event);
    const id = idOf(target);
    if (id === undefined) return;
    const next = key === "ArrowLeft" ? nearest(id, above.get(id) ?? [])
      : key === "ArrowRight" ? nearest(id, below.get(id) ?? [])
        : key === "ArrowUp" ? beside(id, -1)
          : key === "ArrowDown" ? beside(id, 1)
            : key === "Home" ? data.centre : undefined;
    if (["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home"].includes(key)) event.preventDefault();
    if (next !== undefined) go(next);
  });
  for (const [type, isOver] of /** @type {[string, boolean][]} */ ([["focusin", true], ["pointerover", true], ["focusout", false], ["pointerout", false]])) {
    image.addEventListener(type, ({ target }) => emphasise(isOver ? idOf(target) : undefined));
  }
}

/** @param {EventTarget | null} target @returns {string | undefined} */
function idOf(target) {
  const link = target instanceof Element ? target.closest("a") : null;
  return link instanceof SVGElement ? link.dataset.id : undefined;
}

/** @param {import("./main.js").Edge[]} edges @param {"from" | "to"} by @param {"from" | "to"} other */
function grouped(edges, by, other) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const edge of edges) found.set(edge[by], [...(found.get(edge[by]) ?? []), edge[other]]);
  return found;
}

/** All nodes that are reached from one along some edges. @param {string} id @param {Map<string, string[]>} next */
function reached(id, next) {
  /** @type {Set<string>} */
  const found = new Set();
  const waiting = [id];
  for (const one of waiting) {
    for (const other of next.get(one) ?? []) {
      if (found.has(other)) continue;
      found.add(other);
      waiting.push(other);
    }
  }
  return found;
}
