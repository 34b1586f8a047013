// The mouse over a volume. Left drag: window, in 3D turn; middle: pan; right: zoom; wheel: image, in 3D zoom.

import { planeAt } from "./planes.js";

const NOTCH = 50;
const STILL_PIXELS = 3;
const [LEFT, MIDDLE, RIGHT] = [1, 4, 2];

/** From now on the view's stage answers to the pointer. */
export function followHand(view) {
  const { stage } = view;
  let held = null;
  let rest = 0;

  const spot = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const planeUnder = (event) => {
    const [x, y] = spot(event);
    return planeAt(x / stage.clientWidth, y / stage.clientHeight);
  };

  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("wheel", (event) => {
    if (event.ctrlKey || !view.ready) return;
    event.preventDefault();
    if (view.is3d) return view.scene.zoom(Math.exp(-event.deltaY / 500));
    rest += event.deltaMode ? event.deltaY * NOTCH : event.deltaY;
    const count = Math.trunc(rest / NOTCH);
    rest -= count * NOTCH;
    view.choose(planeUnder(event));
    if (count) view.step(count);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, select") || !view.ready) return;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    held = { at: spot(event), plane: planeUnder(event), moved: 0 };
    if (!view.is3d) view.choose(held.plane);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!held || !event.buttons || !view.ready) return;
    const [before, now] = [held.at, spot(event)];
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    held.at = now;
    held.moved += Math.abs(dx) + Math.abs(dy);
    if (held.moved < STILL_PIXELS) return;
    if (event.buttons & MIDDLE) view.is3d ? view.scene.turn(dx, dy) : view.scene.pan(before, now);
    else if (event.buttons & RIGHT) view.scene.zoom(Math.exp(dy / 150));
    else if (event.buttons & LEFT) view.is3d ? view.scene.turn(dx, dy) : view.drag(dx, dy);
  });
  stage.addEventListener("pointerup", (event) => {
    const isClick = held && held.moved < STILL_PIXELS && event.button === 0;
    if (isClick && view.ready && !view.is3d && held.plane) view.scene.point(held.plane, ...spot(event));
    held = null;
  });
  stage.addEventListener("pointercancel", () => (held = null));
}
