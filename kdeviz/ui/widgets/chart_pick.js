// What is hovered over and clicked on is the marker that is seen under the mouse.

const STILL = 4; // pixels
const DIAMOND = 1.3; // plotly draws diamonds that much wider than circles of their size

function listen(place) {
    const chart = place.kdeviz;
    const tell = (what) => chart.drawn.clickable && chart.tell({ ...what, about: chart.drawn.about });
    place.on("plotly_click", ({ points, event }) => {
        if (isFlat(chart)) tell({ point: carried(markerAt(place, event) ?? points[0]) });
    });
    hoverOverSeen(place);
    pickInDepth(place, tell);
    place.on("plotly_selected", (chosen) => {
        if (chosen?.range) tell({ box: chosen.range });
        else if (chosen?.lassoPoints) tell({ lasso: chosen.lassoPoints });
    });
    place.on("plotly_deselect", () => tell({}));
}

// Of markers that lie on each other plotly takes the smallest, which may be hidden below the others.
function hoverOverSeen(place) {
    place.on("plotly_beforehover", (event) => {
        const seen = isFlat(place.kdeviz) && markerAt(place, event);
        if (!seen) return true;
        const { trace, number } = seen, { xaxis, yaxis, _fullLayout: { hovermode } } = axesOf(place, trace);
        if (hovermode !== "closest") return true;
        const there = trace.type === "scattergl"
            ? { xval: xaxis.d2c(trace.x[number]), yval: yaxis.d2c(trace.y[number]) }
            : { pointNumber: number };
        window.Plotly.Fx.hover(place, [{ curveNumber: trace.index, ...there }], trace.xaxis + trace.yaxis);
        return false;
    });
}

// The topmost of the markers that hold this place; those of a selection before the pale ones.
function markerAt(place, { clientX, clientY }) {
    const box = place.getBoundingClientRect(), zoom = box.width / place.offsetWidth; // enlarged for a room
    let found;
    for (const trace of place._fullData.filter(hasMarkers)) {
        const { xaxis, yaxis } = axesOf(place, trace);
        const x = (clientX - box.left) / zoom - xaxis._offset, y = (clientY - box.top) / zoom - yaxis._offset;
        if (x < 0 || y < 0 || x > xaxis._length || y > yaxis._length) continue;
        for (let number = 0; number < trace.x.length; number++) {
            const across = xaxis.d2p(trace.x[number]) - x, down = yaxis.d2p(trace.y[number]) - y;
            if (!holds(trace.marker, number, Math.abs(across), Math.abs(down))) continue;
            const pale = Boolean(trace.selectedpoints) && !trace.selectedpoints.includes(number);
            if (!found || found.pale || !pale) found = { trace, number, pale, customdata: trace.customdata[number] };
        }
    }
    return found;
}

function hasMarkers({ type, mode, visible, customdata, hoverinfo }) {
    const drawn = /^scatter(gl)?$/.test(type) && /markers/.test(mode) && visible === true;
    return drawn && customdata && hoverinfo !== "skip";
}

function holds({ size, symbol, line }, number, across, down) {
    const at = (value) => (typeof value === "object" ? value[number] : value) ?? 0;
    const radius = at(size) / 2, edge = at(line?.width) / 2;
    return at(symbol) === "diamond" ? across + down <= DIAMOND * radius + edge : Math.hypot(across, down) <= radius + edge;
}

function axesOf(place, { xaxis, yaxis }) {
    const { _fullLayout } = place, named = (axis) => _fullLayout[axis[0] + "axis" + axis.slice(1)];
    return { _fullLayout, xaxis: named(xaxis), yaxis: named(yaxis) };
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
