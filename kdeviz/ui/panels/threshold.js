// The threshold's slider and its numbers. They follow while it is dragged; the server hears where it is let go.

const QUIET_MS = 120;

export default function ({ data, parentElement, setTriggerValue }) {
    const place = parentElement.querySelector(".threshold");
    const strip = (place.strip ??= made(place));
    strip.tell = setTriggerValue;
    const sent = new TextDecoder().decode(data);
    if (sent === strip.sent) return;
    strip.sent = sent;
    strip.wanted = JSON.parse(sent);
    // What the server says of an earlier move must not pull the slider back from where it is now.
    if (strip.held || (strip.moves && strip.wanted.moves !== strip.moves && strip.wanted.about === strip.about)) return;
    rest(place);
}

function made(place) {
    const strip = { moves: 0, held: false };
    const slider = place.querySelector("input");
    slider.oninput = () => show(place, strip.wanted.states[strip.wanted.state_of[slider.value]], slider.value);
    slider.onpointerdown = () => { strip.held = true; };
    slider.onpointerup = slider.onpointercancel = () => { strip.held = false; };
    slider.onchange = () => {
        clearTimeout(strip.quiet);
        strip.moves = Date.now();
        strip.quiet = setTimeout(
            () => strip.tell("moved", { to: Number(slider.value), about: strip.about, moves: strip.moves }), QUIET_MS);
    };
    for (const button of place.querySelectorAll("button")) {
        button.onclick = () => strip.tell("cell", button.dataset.cell);
    }
    return strip;
}

// As the decision has it.
function rest(place) {
    const { strip } = place, { wanted } = strip, slider = place.querySelector("input");
    strip.about = wanted.about;
    slider.max = wanted.thresholds.length - 1;
    slider.value = wanted.at;
    place.classList.toggle("unlabelled", !wanted.labelled);
    show(place, wanted.now, null);
    for (const interval of place.querySelectorAll("[data-interval]")) {
        interval.textContent = wanted.intervals[interval.dataset.interval] ?? "";
    }
    for (const button of place.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button.dataset.cell === wanted.cell));
    }
}

function show(place, state, step) {
    const { wanted } = place.strip, slider = place.querySelector("input");
    const at = step === null ? wanted.threshold : wanted.thresholds[step];
    const output = place.querySelector("output");
    slider.setAttribute("aria-valuetext", output ? `${at} nats` : `${state.flagged}, ${state.alarms}`);
    slider.style.setProperty("--part", `${100 * slider.value / slider.max}%`);
    if (output) output.textContent = at;
    place.classList.toggle("moving", step !== null);
    for (const part of place.querySelectorAll("[data-part]")) part.textContent = state[part.dataset.part] ?? "";
}
