// A newcomer's tour: a card beside each place that it explains, shown once in a browser and when it is asked for.

const SEEN = "kdeviz.tour", GAP = 10, LOOK_MS = 150, PATIENCE_MS = 60_000;

export default function ({ data, parentElement }) {
    const place = parentElement.querySelector(".tour"), { steps, asked } = JSON.parse(new TextDecoder().decode(data));
    if (!place.showPopover) return;  // a browser older than 2024
    const wanted = asked > (window.kdevizTourAsked ?? 0);
    window.kdevizTourAsked = asked;
    place.tour ??= made(place, steps);
    if (wanted || isNew()) place.tour.start();
    return () => place.isConnected || place.tour.stop();
}

// Whether this browser has never shown it; one that keeps nothing would show it for ever, and so never does.
function isNew() {
    try {
        return localStorage.getItem(SEEN) === null;
    } catch {
        return false;
    }
}

function made(place, steps) {
    const [spot, card] = place.children, part = (name) => card.querySelector(`[data-part="${name}"]`);
    let at = 0, looking, before;

    const target = (step) => step.at.map((name) => document.querySelector(name)).find(visible);
    const shown = () => steps.filter(target);
    // What is out of sight on a phone is left out; the rest comes one after the other.
    const drawn = () => steps.every(({ at }) => at.some((name) => document.querySelector(name)));

    function start() {
        clearInterval(looking);
        const since = Date.now();
        looking = setInterval(() => {
            if (!place.isConnected || Date.now() - since > PATIENCE_MS) clearInterval(looking);
            else if (drawn() && idle()) open();
        }, LOOK_MS);
    }

    function open() {
        clearInterval(looking);
        try { localStorage.setItem(SEEN, "seen"); } catch { /* it was asked for */ }
        before = document.activeElement;
        place.showPopover();
        addEventListener("keydown", onKey, true);
        looking = setInterval(follow, LOOK_MS);
        show(0);
    }

    function stop() {
        clearInterval(looking);
        removeEventListener("keydown", onKey, true);
        if (place.isConnected && place.matches(":popover-open")) place.hidePopover();
        before?.focus?.({ preventScroll: true });
    }

    function show(step) {
        const all = shown();
        if (step >= all.length) return stop();
        at = Math.max(step, 0);
        part("title").textContent = all[at].title;
        part("text").textContent = all[at].text;
        part("count").textContent = `${at + 1} of ${all.length}`;
        part("back").disabled = at === 0;
        part("next").textContent = at === all.length - 1 ? "Done" : "Next";
        target(all[at]).scrollIntoView({ block: "nearest", inline: "nearest" });
        follow();
        part("next").focus({ preventScroll: true });
    }

    // The page may scroll, and be drawn again.
    function follow() {
        const step = shown()[at];
        if (!place.isConnected || !step) return stop();
        const around = framed(target(step).getBoundingClientRect());
        put(spot, { ...around, width: around.right - around.left, height: around.bottom - around.top });
        put(card, beside(around, card.offsetWidth, card.offsetHeight));
    }

    function onKey(event) {
        const go = { Escape: stop, ArrowRight: () => show(at + 1), ArrowLeft: () => show(at - 1) }[event.key];
        // A slider that somebody has turned to needs its arrows.
        if (!go || (event.key !== "Escape" && !event.composedPath().includes(card))) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        go();
    }

    part("skip").onclick = stop;
    part("back").onclick = () => show(at - 1);
    part("next").onclick = () => show(at + 1);
    return { start, stop };
}

const idle = () => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning";

function visible(element) {
    const box = element?.getBoundingClientRect();
    return Boolean(box?.width && box.height && box.right > 0 && box.left < innerWidth);
}

// A little larger than the place, and no larger than the window.
function framed({ left, top, right, bottom }) {
    return {
        left: Math.max(left - 5, 2), top: Math.max(top - 5, 2),
        right: Math.min(right + 5, innerWidth - 2), bottom: Math.min(bottom + 5, innerHeight - 2),
    };
}

// On the first side with room for the card; where there is none, at the end of the window that it hides least at.
function beside({ left, top, right, bottom }, width, height) {
    const within = (at, size, whole) => Math.min(Math.max(at, GAP), whole - size - GAP);
    const across = within(left, width, innerWidth), down = within(top, height, innerHeight);
    if (right + GAP + width <= innerWidth) return { left: right + GAP, top: down };
    if (left - GAP - width >= 0) return { left: left - GAP - width, top: down };
    if (bottom + GAP + height <= innerHeight) return { left: across, top: bottom + GAP };
    if (top - GAP - height >= 0) return { left: across, top: top - GAP - height };
    return { left: across, top: top > innerHeight - bottom ? GAP : innerHeight - height - GAP };
}

function put(element, box) {
    for (const [side, pixels] of Object.entries(box)) {
        if (["left", "top", "width", "height"].includes(side)) element.style[side] = `${pixels}px`;
    }
}
