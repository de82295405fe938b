// Points, a bump on each, their sum and the threshold: each stage is drawn moving, and stays as it ends.

const SECONDS = [1.4, 3.5, 3.5, 2.5], FALL = 0.25, SVG = "http://www.w3.org/2000/svg";
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export default function ({ data, parentElement }) {
    const place = parentElement.querySelector(":scope > .kdeviz-bumps") ?? made(parentElement);
    const sent = new TextDecoder().decode(data);
    if (sent !== place.sent) {
        place.sent = sent;
        place.wanted = JSON.parse(sent);
        place.setAttribute("aria-label", place.wanted.alt);
        play(place);
    }
    return () => setTimeout(() => place.isConnected || stop(place));
}

function made(parentElement) {
    const place = document.createElement("div");
    place.className = "kdeviz-bumps";
    place.setAttribute("role", "img");
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = "Play again";
    again.className = "kdeviz-again";
    again.onclick = () => play(place);
    parentElement.append(place, again);
    place.watch = new ResizeObserver(() => place.wanted && draw(place, place.part ?? 1));
    place.watch.observe(place);
    return place;
}

function stop(place) {
    cancelAnimationFrame(place.next);
    place.watch.disconnect();
}

function play(place) {
    cancelAnimationFrame(place.next);
    if (still()) return draw(place, 1);
    const began = performance.now(), lasts = 1000 * SECONDS[place.wanted.stage - 1];
    const step = (now) => {
        const part = Math.min(Math.max((now - began) / lasts, 0), 1);
        draw(place, part);
        if (part < 1) place.next = requestAnimationFrame(step);
    };
    step(began);
}

// One moment of a stage: `part` of it is over.
function draw(place, part) {
    place.part = part;
    const { clientWidth: width, clientHeight: height } = place, { wanted } = place;
    if (!width || !height) return;
    const size = Math.max(16, Math.min(width / 50, height / 20)), floor = height - 3.2 * size;
    const { grid, sums } = wanted, last = sums.at(-1), top = 2.2 * size;
    const high = Math.max(...last), x = (v) => width * (v - grid[0]) / (grid.at(-1) - grid[0]);
    const at = { width, height, size, floor, x, y: (v) => floor - (floor - top) * v / high };
    const draws = [points, bumps, density, threshold][wanted.stage - 1];
    const svg = element("svg", { width, height, "aria-hidden": "true" }, [
        element("line", { x1: 0, x2: width, y1: floor, y2: floor, stroke: wanted.colours.muted, "stroke-width": 1.5 }),
        ...draws(wanted, at, part)]);
    place.replaceChildren(svg);
}

function points({ points, colours }, at, part) {
    const shown = Math.ceil(part * points.length);
    return points.slice(0, shown).map((v, i) => cloud(at, v, i, 1, colours.normal));
}

function bumps(wanted, at, part) {
    const { bumps, points, colours } = wanted, shown = Math.max(0, part - FALL) / (1 - FALL) * bumps.length, tall = (at.floor - 2.2 * at.size) / 3;
    const curves = bumps.slice(0, Math.ceil(shown)).map((centre, i) => {
        const rise = Math.min(shown - i, 1), range = spread(wanted, centre);
        const line = range.map((v) => [at.x(v), at.floor - rise * tall * bell(v, centre, wanted.width)]);
        return path(line, { stroke: colours.normal, fill: colours.normal, "fill-opacity": 0.08, "stroke-width": 1.5 });
    });
    const high = Math.max(0, 1 - part / FALL);
    return [...curves, ...points.map((v, i) => cloud(at, v, i, high * high, colours.normal))];
}

function density(wanted, at, part) {
    const { sums, grid, colours } = wanted, where = part * (sums.length - 1), low = Math.floor(where);
    const next = sums[Math.min(low + 1, sums.length - 1)];
    const now = sums[low].map((v, i) => v + (where - low) * (next[i] - v));
    return [...bumps(wanted, at, 1).map((one) => faded(one, 1 - 0.8 * part)), area(now, grid, at, colours.normal)];
}

function threshold(wanted, at, part) {
    const { sums, grid, level, colours, inspected, words } = wanted, last = sums.at(-1);
    const high = Math.max(...last), end = Math.min(level, 1.05 * high);
    const height = at.y(end + (1 - Math.min(1, 1.6 * part)) * (high - end));
    const shown = Math.ceil(Math.max(0, part * 1.6 - 0.6) * inspected.length);
    const dots = inspected.slice(0, shown).map((v, i) =>
        judged(wanted, i, at.x(v), at.floor + (0.7 + jitter(i)) * at.size, at.size));
    const line = element("line", { x1: 0, x2: at.width, y1: height, y2: height, stroke: colours.text,
        "stroke-width": 2, "stroke-dasharray": "10 7" });
    const name = element("text", { x: at.width - 6, y: height - 0.5 * at.size, "text-anchor": "end", fill: colours.text,
        "font-size": at.size });
    name.textContent = words;
    const outside = last.map((v) => Math.min(v, level));
    return [area(last, grid, at, colours.normal), area(outside, grid, at, colours.anomalous, last.map((v) => v < level)),
        line, name, ...dots];
}

// An inspected sample; a ring where it is flagged although this component alone would not tell.
function judged({ flagged, below, colours }, i, cx, cy, size) {
    if (!flagged[i]) return dot(cx, cy, size / 3.6, colours.normal, 0.5);
    if (below[i]) return dot(cx, cy, size / 2.4, colours.anomalous, 0.9);
    const look = { fill: "none", stroke: colours.anomalous, "stroke-width": size / 9 };
    return element("circle", { cx, cy, r: size / 2.4, ...look });
}

// The density, or the parts of it where `where` is true.
function area(values, grid, at, colour, where) {
    const kept = where ?? values.map(() => true), pieces = [];
    kept.forEach((keep, i) => {
        if (keep && !kept[i - 1]) pieces.push([]);
        if (keep) pieces.at(-1).push([at.x(grid[i]), at.y(values[i])]);
    });
    const look = { stroke: colour, fill: colour, "fill-opacity": where ? 0.5 : 0.18, "stroke-width": 3 };
    return element("g", {}, pieces.map((piece) => path([[piece[0][0], at.floor], ...piece, [piece.at(-1)[0], at.floor]], look)));
}

function spread({ width }, centre) {
    return Array.from({ length: 41 }, (_, i) => centre + (i - 20) / 20 * 3.5 * width);
}

function bell(v, centre, width) {
    return Math.exp(-0.5 * ((v - centre) / width) ** 2);
}

// A point above the line, by its number, or fallen down to it.
function cloud(at, v, i, high, colour) {
    return dot(at.x(v), at.floor - high * jitter(i) * 0.7 * (at.floor - at.size), at.size / 3.2, colour, 0.5);
}

// The same for each point at each time.
function jitter(i) {
    return (i * 0.618034) % 1;
}

function dot(cx, cy, r, fill, opacity) {
    return element("circle", { cx, cy, r, fill, "fill-opacity": opacity });
}

function faded(one, opacity) {
    one.setAttribute("opacity", opacity);
    return one;
}

function path(places, look) {
    return element("path", { d: `M${places.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`, ...look });
}

function element(kind, attributes, children = []) {
    const made = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
}
