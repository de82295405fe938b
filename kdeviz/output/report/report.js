// Draws the charts, light or dark as the page is, and lets tables be sorted and filtered. Nothing is fetched.
"use strict";

(() => {
    const PRINTED = 680; // pixels: the width of the text on an A4 page
    const CONFIG = {
        displaylogo: false, responsive: false, showTips: false,
        modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    };
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const charts = JSON.parse(document.getElementById("kdeviz-charts").textContent);
    let printing = false;

    function figure({ data, layout, dark: parts }) {
        const whole = structuredClone({ data, layout });
        if (printing || !dark.matches) return whole;
        for (const [way, part] of parts) {
            const last = way.at(-1), inside = way.slice(0, -1).reduce((at, step) => at[step], whole);
            inside[last] = structuredClone(part);
        }
        return whole;
    }

    function draw(id) {
        const place = document.getElementById(id), { data, layout } = figure(charts[id]);
        const width = printing ? PRINTED : place.clientWidth;
        Plotly.react(place, data, { ...layout, width, height: charts[id].height }, CONFIG);
    }

    const drawAll = () => Object.keys(charts).forEach(draw);

    // One after the other, so that the page can be read and scrolled meanwhile.
    function drawInTurn(ids) {
        if (!ids.length) {
            document.documentElement.dataset.drawn = "all";
            return;
        }
        if (!document.getElementById(ids[0]).classList.contains("js-plotly-plot")) draw(ids[0]);
        setTimeout(drawInTurn, 0, ids.slice(1));
    }

    function print(on) {
        if (printing === on) return;
        printing = on;
        drawAll();
    }

    addEventListener("beforeprint", () => print(true));
    addEventListener("afterprint", () => print(false));
    dark.addEventListener("change", drawAll);
    let waiting;
    addEventListener("resize", () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => printing || drawAll(), 150);
    });

    function interactive(box) {
        const table = box.querySelector("table"), body = table.tBodies[0], rows = [...body.rows];
        const find = box.querySelector("[data-find]"), chooses = [...box.querySelectorAll("[data-choose]")];
        const told = box.querySelector("output"), texts = rows.map((row) => row.textContent.toLowerCase());
        const text = (row, column) => row.cells[column].textContent.trim();

        function filter() {
            const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
            let shown = 0;
            rows.forEach((row, at) => {
                const fits = words.every((word) => texts[at].includes(word))
                    && chooses.every(({ value, dataset }) => !value || text(row, dataset.choose) === value);
                row.hidden = !fits;
                shown += fits;
            });
            told.textContent = `${shown} of ${rows.length} shown`;
        }

        function sort(head, column) {
            const down = head.getAttribute("aria-sort") === "ascending";
            for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
            head.setAttribute("aria-sort", down ? "descending" : "ascending");
            const value = (row) => row.cells[column].querySelector("data")?.value;
            const compare = (one, other) => value(one) !== undefined && value(other) !== undefined
                ? Number(value(one)) - Number(value(other))
                : text(one, column).localeCompare(text(other, column), undefined, { numeric: true });
            body.append(...[...rows].sort((one, other) => (down ? -1 : 1) * compare(one, other)));
        }

        for (const choose of chooses) {
            const values = new Set(rows.map((row) => text(row, choose.dataset.choose)));
            for (const value of [...values].sort()) choose.append(new Option(value, value));
            choose.addEventListener("change", filter);
        }
        find.addEventListener("input", filter);
        [...table.tHead.rows[0].cells].forEach((head, column) => {
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = head.textContent;
            head.replaceChildren(button);
            head.setAttribute("aria-sort", "none");
            button.addEventListener("click", () => sort(head, column));
        });
        box.querySelector(".controls").hidden = false;
        filter();
    }

    document.querySelectorAll(".interactive").forEach(interactive);
    drawInTurn(Object.keys(charts));
})();
