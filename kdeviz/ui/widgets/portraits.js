// Samples one beside the other, large: each with its picture or text, and what there is to say of it.

export default function ({ data, parentElement }) {
    const { portraits } = JSON.parse(new TextDecoder().decode(data));
    const all = document.createElement("div");
    all.className = "kdeviz-portraits";
    all.replaceChildren(...portraits.map(made));
    parentElement.replaceChildren(all);
}

// Everything a file says becomes text, never markup.
function made({ title, name, picture, text, words }) {
    const figure = document.createElement("figure"), caption = document.createElement("figcaption");
    figure.className = picture ? "kdeviz-pictured" : "";
    part(figure, "h2", title);
    if (picture) {
        const image = document.createElement("img");
        image.src = picture;
        image.alt = `Picture of sample ${name}`;
        figure.append(image);
    }
    if (text) part(figure, "blockquote", text);
    part(caption, "b", name);
    for (const sentence of words) part(caption, "p", sentence);
    figure.append(caption);
    return figure;
}

function part(place, kind, words) {
    const made = document.createElement(kind);
    made.textContent = words;
    place.append(made);
}
