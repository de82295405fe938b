// Brings a part of the page into view when it shows something else: on a phone, or below a long list, it is not.

const HEADER = 60, ENOUGH = 200; // pixels

export default function ({ data }) {
    const { part, above, times } = data, before = window.kdevizRevealed ?? times;
    window.kdevizRevealed = times;
    if (times === before) return;
    const [place, head] = [part, above].map((key) => document.querySelector(`.st-key-${key}`));
    const top = (one) => one.getBoundingClientRect().top;
    if (top(place) >= HEADER && top(place) <= innerHeight - ENOUGH) return;
    const near = top(place) - top(head) < ENOUGH;
    (near ? head : place).scrollIntoView({ block: "start", behavior: "smooth" });
}
