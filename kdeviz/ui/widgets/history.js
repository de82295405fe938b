// Back and Forward visit the screens that were seen: each has one entry in the browser's history.
//
// Left to itself, Streamlit adds an entry for every parameter that a run of the app writes into the address, and
// none for those that a slider writes: the entries between two screens belong to no screen at all.

const QUIET_MS = 100, NO_RUN_MS = 3000;

export default function () {
    if (window.kdevizHistory) return;
    window.kdevizHistory = true;
    const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
    const app = document.querySelector('[data-testid="stApp"]');
    const idle = () => app.dataset.testScriptState === "notRunning";
    // Whether the newest entry is of a screen that is not finished yet, whose address may still change.
    let unfinished = !idle(), closing;
    const closeAfter = (ms) => {
        clearTimeout(closing);
        closing = setTimeout(() => { unfinished = !idle(); }, ms);
    };
    const begin = () => {
        unfinished = true;
        closeAfter(NO_RUN_MS);  // unless a run begins and ends before
    };
    history.pushState = history.replaceState = (state, title, url) => {
        (unfinished ? replace : push)(state, title, url);
        begin();
    };
    addEventListener("popstate", begin);
    new MutationObserver(() => idle() ? closeAfter(QUIET_MS) : clearTimeout(closing))
        .observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] });
}
