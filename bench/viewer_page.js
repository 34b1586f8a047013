// Runs in the viewer's page before anything else: says when a slice is drawn, and how often.

(() => {
  const marks = (window.viewerMarks = { drawn: 0, moves: [], shown: new Set() });

  /** The stage, in whatever shadow it stands. */
  function stageIn(root) {
    const found = root.querySelector(".stage");
    if (found) return found;
    for (const one of root.querySelectorAll("*")) {
      const inside = one.shadowRoot && stageIn(one.shadowRoot);
      if (inside) return inside;
    }
    return null;
  }

  /** Whether a picture of this series is on show, not a word in its place. */
  window.isDrawn = (series) => {
    const stage = marks.stage?.isConnected ? marks.stage : (marks.stage = stageIn(document));
    if (!stage) return false;
    const label = stage.ariaLabel ?? "";
    return label.startsWith(`Series ${series},`) && stage.querySelector(".reason").textContent === "";
  };

  window.isComplete = () => {
    const count = marks.stage?.getRootNode().querySelector(".count")?.textContent ?? "loaded";
    return !count.includes("loaded") && count.includes("of");
  };

  /** Milliseconds since `from` until it holds; looked at with every picture of the screen. */
  window.until = (holds, from) => new Promise((done) => {
    const look = () => (holds() ? done(performance.now() - from) : requestAnimationFrame(look));
    look();
  });

  window.watchDrawing = () => {
    let moved = null;
    marks.stage.addEventListener("pointermove", (event) => (moved ??= event.timeStamp), true);
    new MutationObserver(() => {
      marks.drawn += 1;
      marks.shown.add(marks.stage.ariaLabel);
      if (moved !== null) marks.moves.push(performance.now() - moved);
      moved = null;
    }).observe(marks.stage, { attributes: true, attributeFilter: ["data-ms"] });
  };

  /** Pictures a second while `act` is called with every picture of the screen. */
  window.pace = (seconds, act) => new Promise((done) => {
    const [begun, before] = [performance.now(), marks.drawn];
    const tick = () => {
      const spent = (performance.now() - begun) / 1000;
      if (spent >= seconds) return done((marks.drawn - before) / spent);
      act();
      return requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });

  let down = true;
  window.pressArrow = () => {
    const at = Number(marks.stage.ariaLabel.match(/image (\d+) of (\d+)/)[1]);
    const of = Number(marks.stage.ariaLabel.match(/image (\d+) of (\d+)/)[2]);
    if (at === of) down = false;
    if (at === 1) down = true;
    const key = down ? "ArrowDown" : "ArrowUp";
    marks.stage.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true }));
  };

  /** Seconds to fetch so many frames one by one, `together` at once: what a page without a viewer would need. */
  window.fetchFrames = async (place, count, together) => {
    const begun = performance.now();
    let next = 0;
    const one = async () => {
      while (next < count) await (await fetch(`${place}/${next++}`)).arrayBuffer();
    };
    await Promise.all(Array.from({ length: together }, one));
    return (performance.now() - begun) / 1000;
  };

  window.fetchStream = async (address) => {
    const begun = performance.now();
    await (await fetch(address)).arrayBuffer();
    return (performance.now() - begun) / 1000;
  };
})();
