// Mouse and fingers. Left drag: window; middle: pan; right: zoom; wheel: slice. Two fingers zoom, three scroll.

const WHEEL_NOTCH = 50;
const FINGER_NOTCH = 24;
const [LEFT, MIDDLE, RIGHT] = [1, 4, 2];

/** From now on the pane's stage answers to the pointer. */
export function followMouse(pane) {
  const { stage } = pane;
  const fingers = new Map();
  let several = false;
  let before = null;
  const wheel = notches(WHEEL_NOTCH, (count) => pane.step(count));
  const scroll = notches(FINGER_NOTCH, (count) => pane.step(count));
  const spot = (event) => {
    const box = stage.getBoundingClientRect();
    return pane.at(event.clientX - box.left, event.clientY - box.top);
  };

  stage.addEventListener("wheel", (event) => {
    if (event.ctrlKey) return;
    event.preventDefault();
    wheel(event.deltaMode ? event.deltaY * WHEEL_NOTCH : event.deltaY);
  }, { passive: false });
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button")) return;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    if (!fingers.size) [several, before] = [false, pane.look.window];
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (fingers.size > 1 && !several) gather();
    if (fingers.size === 1 && event.buttons === LEFT && pane.view.tool && pane.frame) pane.begin(pane.view.tool, spot(event));
  });
  stage.addEventListener("pointermove", (event) => {
    pane.pointer = spot(event);
    const from = fingers.get(event.pointerId);
    if (from) moved(event, from);
    else if (pane.unfinished) pane.stretch(pane.pointer);
    pane.refresh();
  });
  stage.addEventListener("pointerup", (event) => {
    if (fingers.size === 1 && event.button === 0) pane.release(spot(event));
    fingers.delete(event.pointerId);
  });
  stage.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
  stage.addEventListener("pointerleave", () => {
    pane.pointer = null;
    pane.refresh();
  });

  /** What the first finger did before the others came down was meant as theirs. */
  function gather() {
    several = true;
    pane.unfinished = null;
    pane.change({ window: before });
  }

  function moved(event, [x, y]) {
    const [dx, dy] = [event.clientX - x, event.clientY - y];
    const apart = spread(fingers);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (fingers.size >= 3) return scroll(dy / fingers.size);
    if (fingers.size === 2) {
      pan(dx / 2, dy / 2);
      return pane.zoom(spread(fingers) / apart || 1);
    }
    if (several) return undefined; // the last finger of several is on its way up
    if (event.buttons & MIDDLE) return pan(dx, dy);
    if (event.buttons & RIGHT) return pane.zoom(Math.exp(dy / 150));
    if (!(event.buttons & LEFT)) return undefined;
    return pane.unfinished ? pane.stretch(pane.pointer) : pane.drag(dx, dy);
  }

  function pan(dx, dy) {
    pane.change({ pan: [pane.look.pan[0] + dx, pane.look.pan[1] + dy] });
  }
}

/** Whole steps out of small movements; what is left over counts for the next one. */
function notches(size, act) {
  let rest = 0;
  return (amount) => {
    rest += amount;
    const count = Math.trunc(rest / size);
    rest -= count * size;
    if (count) act(count);
  };
}

/** How far two fingers are apart. */
function spread(fingers) {
  const [one, other] = [...fingers.values()];
  return other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0;
}
