// Draws a plotly figure, and every later one into the same element: nothing flickers, and the zoom stays.

// A chart for a room is drawn for a screen of this size, then enlarged with everything on it to fit the real one.
// On a phone, where there is no room below the words, it is still high enough to be read; the page scrolls then.
const ROOM = { width: 800, height: 450, least: 1.2, lowest: 200, phone: 640, lowestOnPhone: 350 };
const FAILED = "This chart could not be drawn. Reload the page to try again.";

export default function ({ data, parentElement, setTriggerValue }) {
    const place = parentElement.querySelector(":scope > * > .kdeviz-chart") ?? made(parentElement);
    const chart = place.kdeviz;
    chart.tell = (clicked) => setTriggerValue("clicked", clicked);
    const sent = new TextDecoder().decode(data);
    if (sent !== chart.sent) {
        chart.sent = sent;
        chart.wanted = JSON.parse(sent);
        place.setAttribute("aria-label", described(chart.wanted));
        resize(place, room(place));
        draw(place);
    }
    // Streamlit also calls this for a call that a later one has overtaken.
    return () => setTimeout(() => place.isConnected || remove(place));
}

function made(parentElement) {
    const place = document.createElement("div");
    place.className = "kdeviz-chart";
    place.setAttribute("role", "figure");
    const watch = new ResizeObserver(() => draw(place));
    // What is wanted, what is drawn and how large, how often it was drawn, and the end of the last drawing.
    place.kdeviz = { watch, wanted: undefined, drawn: undefined, size: "", drawings: 0, last: Promise.resolve() };
    const stage = document.createElement("div");
    stage.append(place);
    parentElement.append(stage);
    watch.observe(stage);
    // What stands above may become taller, and then there is less room below.
    const page = parentElement.closest('[data-testid="stMainBlockContainer"]');
    if (page) watch.observe(page);
    return place;
}

// What a screen reader says: what the chart is, what it finds and what is drawn.
function described({ alt, layout }) {
    const words = [alt, layout.title?.text, layout.title?.subtitle?.text].filter(Boolean).map(plain);
    return words.join(". ").replaceAll("\n", " ");
}

// How large to draw, and by how much to enlarge that; `below` pixels are left free at the bottom of the window.
function room(place) {
    const stage = place.parentElement, { layout, below } = place.kdeviz.wanted;
    if (below === null) return { width: stage.clientWidth, height: layout.height, zoom: 1 };
    const zoom = Math.max(ROOM.least, Math.min(innerWidth / ROOM.width, innerHeight / ROOM.height));
    const scrolled = place.closest('[data-testid="stMain"]')?.scrollTop ?? 0;
    const free = innerHeight - stage.getBoundingClientRect().top - scrolled - below;
    const lowest = innerWidth <= ROOM.phone ? ROOM.lowestOnPhone : ROOM.lowest;
    return { width: stage.clientWidth / zoom, height: Math.max(lowest, free / zoom), zoom };
}

function resize(place, { width, height, zoom }) {
    place.parentElement.style.height = `${height * zoom}px`;
    place.style.height = `${height}px`;
    place.style.width = zoom === 1 ? "" : `${width}px`;
    place.style.transform = zoom === 1 ? "" : `scale(${zoom})`;
}

function draw(place) {
    const chart = place.kdeviz;
    chart.last = chart.last.then(() => drawNow(place)).catch((error) => {
        console.error(error);
        clear(place);
        place.textContent = FAILED;
    });
}

async function drawNow(place) {
    const chart = place.kdeviz;
    if (!isNew(place)) return;
    const [Plotly] = await Promise.all([plotly(chart.wanted.library), document.fonts.ready]);
    const { wanted } = chart, size = room(place), { width, height } = size;
    if (!isNew(place)) return;
    resize(place, size);
    if (!chart.drawn) place.textContent = "";
    // What is selected is up to the server: plotly keeps none of its own from drawing to drawing.
    const tools = 32 * (wanted.config.modeBarButtons?.flat().length ?? 0);
    const whole = { ...wanted.layout, height };
    const layout = { ...fitted(whole, width, tools), width, selectionrevision: ++chart.drawings };
    await Plotly.react(place, wanted.data, layout, wanted.config);
    if (!chart.drawn) {
        listen(place);
        offerFiles(place);
    }
    Object.assign(chart, { drawn: wanted, size: JSON.stringify(size) });
}

function isNew(place) {
    const { wanted, drawn, size } = place.kdeviz;
    if (!wanted || !place.isConnected || !place.parentElement.clientWidth) return false;
    return wanted !== drawn || JSON.stringify(room(place)) !== size;
}

function remove(place) {
    const chart = place.kdeviz;
    chart.watch.disconnect();
    chart.last = chart.last.then(() => clear(place));
}

function clear(place) {
    if (place.kdeviz.drawings) window.Plotly.purge(place);
    place.kdeviz.drawn = undefined;
}
