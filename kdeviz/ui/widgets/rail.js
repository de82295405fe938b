// The steps of a talk: buttons, arrow keys, the keys of a presenter's remote, and swipes lead from one to another.

const SWIPE = 60; // pixels
const TYPED_IN = 'input, textarea, select, [role="slider"], [role="radiogroup"], [role="listbox"], [contenteditable]';
const PASSED_OVER = '[role="radiogroup"], input[type="range"]'; // by a presenter's remote

export default function ({ data, parentElement, setTriggerValue }) {
    const rail = (parentElement.kdevizRail ??= made(parentElement));
    rail.tell = setTriggerValue;
    rail.wanted = JSON.parse(new TextDecoder().decode(data));
    draw(rail);
    listen(rail);
    return () => setTimeout(() => rail.nav.isConnected || forget(rail));
}

function made(parentElement) {
    const nav = document.createElement("nav");
    nav.className = "kdeviz-rail";
    nav.setAttribute("aria-label", "Steps");
    const rail = { nav, steps: document.createElement("ol"), at: 0 };
    rail.back = button("‹", "Step back", () => go(rail, rail.at - 1));
    rail.on = button("›", "Next step", () => go(rail, rail.at + 1));
    rail.how = button("How it works", "", () => rail.tell("how", { on: !rail.wanted.how }));
    rail.full = button("Full screen", "", fullScreen);
    nav.append(rail.back, rail.steps, rail.on, rail.how, rail.full);
    parentElement.replaceChildren(nav);
    return rail;
}

function button(words, name, press) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    if (name) made.setAttribute("aria-label", name);
    made.onclick = press;
    return made;
}

function draw(rail) {
    const { steps, at, how } = rail.wanted;
    rail.at = at;
    if (rail.shown !== JSON.stringify(steps)) {
        rail.shown = JSON.stringify(steps);
        rail.steps.replaceChildren(...steps.map((title, i) => {
            const item = document.createElement("li"), press = button("", "", () => go(rail, i + 1));
            const number = document.createElement("b"), words = document.createElement("span");
            number.textContent = i + 1;
            words.textContent = title;
            press.append(number, words);
            item.append(press);
            return item;
        }));
    }
    rail.how.setAttribute("aria-pressed", String(how));
    mark(rail);
    showFull(rail);
}

function mark(rail) {
    [...rail.steps.children].forEach(({ firstChild }, i) => {
        if (i + 1 === rail.at) firstChild.setAttribute("aria-current", "step");
        else firstChild.removeAttribute("aria-current");
    });
    rail.back.disabled = rail.at <= 1;
    rail.on.disabled = rail.at >= rail.wanted.steps.length;
}

function go(rail, to) {
    if (to === rail.at || to < 1 || to > rail.wanted.steps.length) return;
    rail.at = to; // at once, so that two quick presses go two steps
    mark(rail);
    rail.tell("step", { to });
}

function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch((error) => console.warn(error.message));
}

function showFull({ full }) {
    full.hidden = !document.fullscreenEnabled;
    full.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
}

function listen(rail) {
    if (rail.ears) return;
    rail.ears = {
        keydown: (event) => pressed(rail, event),
        touchstart: (event) => {
            rail.touched = event.touches.length === 1 && !typedIn(event) ? event.touches[0] : undefined;
        },
        touchend: ({ changedTouches: [end] }) => {
            if (!rail.touched) return;
            const x = end.clientX - rail.touched.clientX, y = end.clientY - rail.touched.clientY;
            if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) go(rail, rail.at - Math.sign(x));
        },
        fullscreenchange: () => showFull(rail),
    };
    for (const [event, heard] of Object.entries(rail.ears)) document.addEventListener(event, heard, { passive: event !== "keydown" });
}

// What an event was meant for where that takes keys and drags itself, also inside of a shadow root.
function typedIn(event) {
    return event.composedPath()[0].closest?.(TYPED_IN);
}

function pressed(rail, event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    // A remote's keys lead on from whatever was chosen or dragged last; arrows first move what has the focus.
    const typed = typedIn(event), remote = event.key.startsWith("Page");
    if (typed && !(remote && typed.matches(PASSED_OVER))) return;
    const last = rail.wanted.steps.length;
    const places = { ArrowLeft: rail.at - 1, PageUp: rail.at - 1, ArrowRight: rail.at + 1, PageDown: rail.at + 1, Home: 1, End: last };
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key in places) go(rail, places[event.key]);
    else if (by && rail.wanted.samples) rail.tell("sample", { by });
    else return;
    event.preventDefault();
}

function forget(rail) {
    for (const [event, heard] of Object.entries(rail.ears ?? {})) document.removeEventListener(event, heard);
    rail.ears = undefined;
}
