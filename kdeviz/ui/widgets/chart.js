// Draws a plotly figure, and every later one into the same element: nothing flickers, and the zoom stays.

const STILL = 4; // pixels
const FAILED = "This chart could not be drawn. Reload the page to try again.";

export default function ({ data, parentElement, setTriggerValue }) {
    const place = parentElement.querySelector(":scope > .kdeviz-chart") ?? made(parentElement);
    const chart = place.kdeviz;
    chart.tell = (clicked) => setTriggerValue("clicked", clicked);
    const sent = new TextDecoder().decode(data);
    if (sent !== chart.sent) {
        chart.sent = sent;
        chart.wanted = JSON.parse(sent);
        place.setAttribute("aria-label", chart.wanted.alt);
        place.style.height = `${chart.wanted.layout.height}px`;
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
    // What is wanted, what is drawn and how wide, how often it was drawn, and the end of the last drawing.
    place.kdeviz = { watch, wanted: undefined, drawn: undefined, width: 0, drawings: 0, last: Promise.resolve() };
    parentElement.append(place);
    watch.observe(place);
    return place;
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
    const { wanted } = chart, width = place.clientWidth;
    if (!isNew(place)) return;
    if (!chart.drawn) place.textContent = "";
    // What is selected is up to the server: plotly keeps none of its own from drawing to drawing.
    const tools = 32 * (wanted.config.modeBarButtons?.flat().length ?? 0);
    const layout = { ...fitted(wanted.layout, width, tools), width, selectionrevision: ++chart.drawings };
    await Plotly.react(place, wanted.data, layout, wanted.config);
    if (!chart.drawn) {
        listen(place);
        offerFiles(place);
    }
    Object.assign(chart, { drawn: wanted, width });
}

function isNew(place) {
    const { wanted, drawn, width } = place.kdeviz;
    return place.isConnected && place.clientWidth > 0 && (wanted !== drawn || place.clientWidth !== width);
}

function listen(place) {
    const chart = place.kdeviz;
    const tell = (what) => chart.drawn.clickable && chart.tell({ ...what, about: chart.drawn.about });
    place.on("plotly_click", ({ points }) => isFlat(chart) && tell({ point: carried(points[0]) }));
    pickInDepth(place, tell);
    place.on("plotly_selected", (chosen) => {
        if (chosen?.range) tell({ box: chosen.range });
        else if (chosen?.lassoPoints) tell({ lasso: chosen.lassoPoints });
    });
    place.on("plotly_deselect", () => tell({}));
}

// In three dimensions plotly calls a press a click, also one that turns the map, and misses quick ones.
function pickInDepth(place, tell) {
    const chart = place.kdeviz;
    place.on("plotly_hover", ({ points }) => { chart.over = carried(points[0]); });
    place.on("plotly_unhover", () => { chart.over = undefined; });
    const listenTo = (event, heard) => place.addEventListener(event, heard, true);
    listenTo("pointerdown", ({ clientX, clientY }) => { chart.pressed = [clientX, clientY]; });
    listenTo("pointerup", ({ clientX, clientY }) => {
        const [x, y] = chart.pressed ?? [Infinity, 0], still = Math.hypot(clientX - x, clientY - y) < STILL;
        if (!isFlat(chart) && still && chart.over !== undefined) tell({ point: chart.over });
    });
}

function isFlat(chart) {
    return !chart.drawn.layout.scene;
}

function carried({ customdata }) {
    return typeof customdata === "object" ? customdata?.[0] : customdata;
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

function plotly(library) {
    window.kdevizPlotly ??= new Promise((loaded, failed) => {
        const script = document.createElement("script");
        script.src = new URL(library, document.baseURI);
        const ended = () => {
            if (window.Plotly) return loaded(window.Plotly);
            window.kdevizPlotly = undefined;
            failed(new Error(`${script.src} could not be loaded`));
        };
        script.onload = script.onerror = ended;
        document.head.append(script);
    });
    return window.kdevizPlotly;
}
