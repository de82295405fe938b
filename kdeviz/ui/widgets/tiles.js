// Samples side by side, or their texts one below the other; a click on one tells which it is.

export default function ({ data, parentElement, setTriggerValue }) {
    const { tiles, about, alt, at } = JSON.parse(new TextDecoder().decode(data));
    const list = document.createElement("div");
    list.className = `kdeviz-tiles ${tiles.some(({ text }) => text) ? "kdeviz-texts" : ""}`;
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", alt);
    list.replaceChildren(...tiles.map((tile) => {
        const button = made(tile, () => setTriggerValue("clicked", { point: tile.point, about }));
        if (at !== null) button.setAttribute("aria-pressed", String(tile.point === at));
        return button;
    }));
    parentElement.replaceChildren(list);
}

// Everything a file says becomes text, never markup.
function made({ name, text, note, picture }, tell) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = text ? `${name}\n${text}` : name;
    button.addEventListener("click", tell);
    if (picture) {
        const image = document.createElement("img");
        image.src = picture;
        image.alt = "";
        button.append(image);
    }
    for (const [kind, words] of Object.entries({ text, name, note })) {
        if (!words) continue;
        const part = document.createElement("span");
        part.className = `kdeviz-${kind}`;
        part.textContent = words;
        button.append(part);
    }
    return button;
}
