// Breaks the titles of a figure into lines, so that none is cut off or lies on another.

const LINE = 1.3, BESIDE_TITLE = 36, AROUND_AXES = 90;

function fitted(layout, width, tools) {
    const { title, font, margin } = layout, fits = { ...layout };
    if (!title?.font) return layout;
    const room = width - BESIDE_TITLE - tools;
    const text = wrapped(title.text, room, title.font.size, font?.family);
    const below = wrapped(title?.subtitle?.text, width - 16, title?.subtitle?.font?.size, font?.family);
    const pad = { t: LINE / 2 * text.more * title.font.size }; // plotly centres its lines on the first
    fits.title = { ...title, pad, text: text.text, subtitle: { ...title?.subtitle, text: below.text } };
    const more = LINE * (text.more * title.font.size + below.more * title.subtitle.font.size);
    fits.margin = { ...margin, t: (margin?.t ?? 0) + more };
    for (const name of Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
        const axis = layout[name], [from, to] = axis.domain ?? [0, 1];
        const length = name.startsWith("x") ? width : layout.height - fits.margin.t + AROUND_AXES / 2;
        const lines = wrapped(axis.title?.text, (to - from) * (length - AROUND_AXES), axis.title?.font?.size, font?.family);
        fits[name] = { ...axis, title: { ...axis.title, text: lines.text } };
    }
    return fits;
}

function wrapped(text, room, size, family) {
    if (!text || !size) return { text, more: 0 };
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `${size}px ${family ?? "sans-serif"}`;
    const wide = (words) => pen.measureText(plain(words)).width > room;
    const lines = [];
    for (const word of text.split(" ")) {
        const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
        if (lines.length && !wide(longer)) lines[lines.length - 1] = longer;
        else lines.push(word);
    }
    return { text: lines.join("<br>"), more: lines.length - 1 };
}

function plain(marked) {
    return new DOMParser().parseFromString(marked.replaceAll("<br>", "\n"), "text/html").body.textContent;
}
