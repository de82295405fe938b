// Draws a plotly figure, and every later one into the same element: nothing flickers, and the zoom stays.

const PLOTLY = "component/kdeviz.ui.plots.plotly/plotly.min.js";

export default function ({ data, parentElement, setTriggerValue }) {
    let place = parentElement.querySelector(":scope > .kdeviz-chart");
    if (!place) {
        place = document.createElement("div");
        place.className = "kdeviz-chart";
        place.setAttribute("role", "figure");
        place.drawing = Promise.resolve();
        parentElement.append(place);
        place.watch = new ResizeObserver(() => draw(place));
        place.watch.observe(place);
    }
    place.tell = (clicked) => place.drawn.clickable && setTriggerValue("clicked", clicked);
    const sent = new TextDecoder().decode(data);
    if (sent !== place.sent) {
        place.sent = sent;
        place.wanted = JSON.parse(sent);
        place.setAttribute("aria-label", place.wanted.alt);
        place.style.height = `${place.wanted.layout.height}px`;
        draw(place);
    }
    return () => setTimeout(() => place.isConnected || remove(place));
}

function draw(place) {
    place.drawing = place.drawing.then(() => drawNow(place)).catch((error) => {
        console.error(error);
        if (!place.drawn) place.textContent = "This chart could not be drawn. Reload the page to try again.";
    });
}

async function drawNow(place) {
    const { wanted, clientWidth: width } = place;
    if (width === 0 || (wanted === place.drawn && width === place._fullLayout?.width)) return;
    const Plotly = await plotly();
    if (!place.drawn) place.textContent = "";  // where it said that it could not be drawn
    // What is selected is up to the server: plotly keeps none of its own from drawing to drawing.
    place.drawings = (place.drawings ?? 0) + 1;
    const layout = { ...wanted.layout, width, selectionrevision: place.drawings };
    await Plotly.react(place, wanted.data, layout, wanted.config);
    if (!place.drawn) listen(place);
    place.drawn = wanted;
}

function listen(place) {
    place.on("plotly_click", ({ points }) => place.tell({ point: carried(points[0]) }));
    place.on("plotly_selected", (chosen) => {
        if (chosen?.range) place.tell({ box: chosen.range });
        else if (chosen?.lassoPoints) place.tell({ lasso: chosen.lassoPoints });
    });
    for (const event of ["plotly_deselect", "plotly_doubleclick"]) place.on(event, () => place.tell({}));
}

function carried({ customdata }) {
    return typeof customdata === "object" ? customdata?.[0] : customdata;
}

function remove(place) {
    place.watch.disconnect();
    if (place.drawn) window.Plotly.purge(place);
}

function plotly() {
    window.kdevizPlotly ??= new Promise((loaded, failed) => {
        const script = document.createElement("script");
        script.src = new URL(PLOTLY, document.baseURI);
        script.onload = () => loaded(window.Plotly);
        script.onerror = () => {
            window.kdevizPlotly = undefined;
            failed(new Error(`${script.src} could not be loaded`));
        };
        document.head.append(script);
    });
    return window.kdevizPlotly;
}
