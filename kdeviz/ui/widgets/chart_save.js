// A chart as a file: its picture as PNG or SVG, its numbers as CSV. The name says what it is.

const ICON = '<svg viewBox="0 0 24 24" width="18" height="18" fill="currentColor" aria-hidden="true">'
    + '<path d="M19 9h-4V3H9v6H5l7 7 7-7zM5 18v2h14v-2H5z"/></svg>';
const LONGEST_NAME = 120;

function offerFiles(place) {
    const menu = document.createElement("details");
    menu.className = "kdeviz-save";
    menu.innerHTML = `<summary aria-label="Download this chart" title="Download this chart">${ICON}</summary><div></div>`;
    const ways = { "PNG picture": () => savePicture(place, "png"), "SVG picture": () => savePicture(place, "svg"),
        "CSV of its numbers": () => save(new Blob([csv(place)], { type: "text/csv" }), fileName(place, "csv")) };
    for (const [words, way] of Object.entries(ways)) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = words;
        button.onclick = () => { menu.open = false; way(); };
        menu.lastChild.append(button);
    }
    menu.onkeydown = (event) => { if (event.key === "Escape") menu.open = false; };
    menu.addEventListener("focusout", (event) => { if (!menu.contains(event.relatedTarget)) menu.open = false; });
    place.append(menu);
}

async function savePicture(place, format) {
    const { clientWidth: width, clientHeight: height } = place;
    // The page shows through a chart; a file needs paper of its own, which hover texts have already.
    const layout = { ...place.layout, paper_bgcolor: place.layout.hoverlabel?.bgcolor ?? "white" };
    const image = await window.Plotly.toImage(
        { data: place.data, layout, config: {} }, { format, width, height, scale: format === "png" ? 2 : 1 });
    save(await (await fetch(image)).blob(), fileName(place, format));
}

function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function fileName(place, suffix) {
    const { alt, layout } = place.kdeviz.drawn;
    const words = plain(`${alt}: ${layout.title.text}`).normalize("NFKC");
    return `${words.replace(/[^\p{L}\p{N}.,%]+/gu, "-").replace(/^-|-$/g, "").slice(0, LONGEST_NAME)}.${suffix}`;
}

function csv(place) {
    const traces = place._fullData.filter((trace) => trace.visible === true);
    const names = (letter) => traces.map((trace) => axisName(place, trace, letter));
    const alone = { x: new Set(names("x")).size === 1, y: new Set(names("y")).size === 1 };
    const letters = traces.some((trace) => trace.z) ? ["x", "y", "z"] : ["x", "y"];
    const head = ["series", ...letters.map((letter) => alone[letter] ? names(letter)[0] : letter), "colour", "text"];
    const others = ["x", "y"].filter((letter) => !alone[letter]);
    const rows = [[...head, ...others.map((letter) => `${letter} is`)]], grids = new Set();
    for (const trace of traces) {
        const where = others.map((letter) => axisName(place, trace, letter));
        for (const numbers of rowsOf(trace, letters, grids)) rows.push([trace.name, ...numbers, ...where]);
    }
    return rows.map((row) => row.map(cell).join(",") + "\n").join("");
}

function axisName(place, trace, letter) {
    const full = place._fullLayout, axes = full[trace.scene] ?? full;
    const title = axes[`${letter}axis${trace.scene ? "" : (trace[`${letter}axis`] ?? letter).slice(1)}`]?.title?.text;
    return title ? plain(title).replaceAll("\n", " ") : letter;
}

function* rowsOf(trace, letters, grids) {
    const { x, y, z, type } = trace;
    if (z?.length && z[0]?.length !== undefined) {
        const id = [type, z.length, z[0][0], z.at(-1).at(-1)].join();
        if (grids.has(id)) return; // one grid may be drawn as several lines
        grids.add(id);
        for (let j = 0; j < z.length; j++) {
            for (let i = 0; i < z[j].length; i++) yield [x?.[i] ?? i, y?.[j] ?? j, z[j][i], "", ""];
        }
        return;
    }
    const each = (values, i) => values?.length === undefined || typeof values === "string" ? values ?? "" : values[i];
    for (let i = 0; i < (x ?? y ?? []).length; i++) {
        const places = letters.map((letter) => ({ x, y, z })[letter]?.[i] ?? "");
        yield [...places, each(trace.marker?.color, i), plain(String(each(trace.hovertext || trace.text, i) ?? ""))];
    }
}

// As in the tables: a spreadsheet would run a text that starts like this.
function cell(value) {
    if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
    const text = String(value ?? "").replaceAll("\n", " · ");
    const tame = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
}
