// The library that draws the charts, loaded once for the page by whoever needs it first.

function plotly(library) {
    window.kdevizPlotly ??= new Promise((loaded, failed) => {
        const script = document.createElement("script");
        script.src = new URL(library, document.baseURI);
        const ended = () => {
            if (window.Plotly) return loaded(window.Plotly);
            window.kdevizPlotly = undefined;
            failed(new Error(`${script.src} could not be loaded`));
        };
        script.onload = script.onerror = ended;
        document.head.append(script);
    });
    return window.kdevizPlotly;
}
