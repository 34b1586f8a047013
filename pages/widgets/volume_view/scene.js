// NiiVue on one canvas: it holds the volume and draws it; all else of the view asks here.

import { layoutOf, PLANES } from "./planes.js";
import { rangeOf } from "./looks3d.js";

const PROGRAM = "/code/niivue-0.69.0.min.js";
const [MULTIPLANAR, RENDER] = [3, 4];
const SHADED = 0.6;
const HOME = { azimuth: 165, elevation: 12 };

export const NO_WEBGL2 = "MPR and 3D need WebGL2, which this browser does not give. Switch on hardware acceleration in its settings, or take another browser. Slices needs none.";

/** Whether the browser draws volumes at all. */
export function hasWebGL2() {
  const gl = document.createElement("canvas").getContext("webgl2");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl);
}

export class Scene {
  constructor(canvas, onDrawn) {
    Object.assign(this, { canvas, onDrawn, is3d: false, look: null });
  }

  /** Ready to draw; whoever asks again waits for the same beginning. */
  begin() {
    this.beginning ??= this.attach().catch((error) => {
      this.beginning = null; // the next one tries again
      throw error;
    });
    return this.beginning;
  }

  /** NiiVue's own mouse, keys and words are off: the view has those that all our views have. */
  async attach() {
    this.program ??= await import(new URL(PROGRAM, location.origin));
    if (this.ended) return;
    this.nv = new this.program.Niivue({ interactive: false, isRadiologicalConvention: true, sagittalNoseLeft: true, crosshairWidth: 0, isOrientationTextVisible: false, backColor: [0, 0, 0, 1], show3Dcrosshair: false, dragAndDropEnabled: false, loadingText: "", logLevel: "silent", multiplanarShowRender: "never" });
    await this.nv.attachToCanvas(this.canvas, false);
    this.nv.setCustomLayout(layoutOf(PLANES));
    const draw = this.nv.drawScene.bind(this.nv);
    this.nv.drawScene = (...given) => {
      const drawn = draw(...given);
      if (this.image) this.onDrawn(); // it also draws while one volume goes and the next one comes
      return drawn;
    };
  }

  /** The longest side that the graphics card takes. */
  get most() {
    return this.nv.uiData.max3D ?? 2048;
  }

  get image() {
    return this.nv?.volumes[0] ?? null;
  }

  /** Show a volume instead of the one before, in its window if it has one; the crosshair stays in its place. */
  async show(bytes, window, signal) {
    const limits = window ? { cal_min: window.centre - window.width / 2, cal_max: window.centre + window.width / 2 } : {};
    const image = await this.program.NVImage.loadFromUrl({ url: bytes, name: "volume.nii", colormap: "gray", ...limits });
    if (signal.aborted) return; // another one was asked for meanwhile
    const before = this.image;
    const place = before && [...this.nv.scene.crosshairPos];
    if (before) this.nv.removeVolume(before);
    this.nv.addVolume(image);
    if (place) this.nv.scene.crosshairPos = place;
    this.nv.drawScene();
  }

  clear() {
    if (this.image) this.nv.removeVolume(this.image);
  }

  // Where

  get sizes() {
    return this.image.dimsRAS.slice(1, 4);
  }

  get voxel() {
    return Array.from(this.nv.frac2vox(this.nv.scene.crosshairPos)).map(Math.round);
  }

  /** Of the crosshair, in RAS. */
  get millimetres() {
    return Array.from(this.nv.frac2mm(this.nv.scene.crosshairPos, 0, true)).slice(0, 3);
  }

  /** In the unit of the volume. */
  get value() {
    const at = this.image.mm2vox(this.millimetres);
    return this.image.getValue(at[0], at[1], at[2]);
  }

  get matrix() {
    const { matRAS } = this.image;
    return Array.from(matRAS);
  }

  go(axis, voxel) {
    const wanted = this.voxel;
    wanted[axis] = voxel;
    this.nv.scene.crosshairPos = this.nv.vox2frac(wanted);
    this.nv.drawScene();
  }

  /** The crosshair to a point of the stage, in pixels of the page. */
  point(plane, x, y) {
    const dpr = this.nv.uiData.dpr ?? 1;
    const tile = this.nv.screenSlices.findIndex((one) => one.axCorSag === plane.type);
    const found = tile < 0 ? [-1] : this.nv.screenXY2TextureFrac(x * dpr, y * dpr, tile, true);
    if (found[0] < 0) return;
    this.nv.scene.crosshairPos = this.nv.vox2frac(this.nv.frac2vox(found));
    this.nv.drawScene();
  }

  /** Where the crosshair is drawn in a plane, in pixels of the page; null where it is out of sight. */
  spot(plane) {
    const found = this.nv.frac2canvasPosWithTile(this.nv.scene.crosshairPos, plane.type);
    return found && found.pos.map((one) => one / (this.nv.uiData.dpr ?? 1));
  }

  // How

  /** Values from `low` to `high`; drawn once for each picture of the screen, however often it is asked. */
  window(low, high) {
    Object.assign(this.image, { cal_min: low, cal_max: Math.max(high, low + 1e-6) });
    this.soon(() => this.nv.updateGLVolume());
  }

  soon(act) {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.image && act());
  }

  /** Grey planes, or the whole in a look of its own. */
  async arrange(is3d, look, { low, high, invert }) {
    const turnedOn = is3d && !this.is3d;
    this.is3d = is3d;
    this.nv.opts.sliceType = is3d ? RENDER : MULTIPLANAR;
    this.nv.opts.isOrientCube = is3d;
    const image = this.image;
    image.colormapInvert = !is3d && invert;
    image._colormap = is3d ? look.colours : "gray";
    [image.cal_min, image.cal_max] = is3d ? (this.range ??= rangeOf(look, this.extent)) : [low, high];
    if (turnedOn) this.face();
    const shading = is3d ? SHADED : 0;
    if (shading !== (this.shading ?? 0)) await this.nv.setVolumeRenderIllumination(shading);
    this.shading = shading;
    this.nv.updateGLVolume();
  }

  /** What the volume holds from its least to its most, outliers left out. */
  get extent() {
    return { least: this.image.robust_min, most: this.image.robust_max };
  }

  /** From the front, a little from above. */
  face() {
    this.nv.scene.volScaleMultiplier = 1;
    this.nv.setRenderAzimuthElevation(HOME.azimuth, HOME.elevation);
  }

  turn(dx, dy) {
    const { renderAzimuth, renderElevation } = this.nv.scene;
    this.nv.setRenderAzimuthElevation(renderAzimuth - dx / 2, Math.min(90, Math.max(-90, renderElevation + dy / 2)));
  }

  zoom(factor) {
    const { scene } = this.nv;
    const kept = (value) => Math.min(20, Math.max(0.2, value * factor));
    if (this.is3d) scene.volScaleMultiplier = kept(scene.volScaleMultiplier);
    else scene.pan2Dxyzmm = [...Array.from(scene.pan2Dxyzmm).slice(0, 3), kept(scene.pan2Dxyzmm[3])];
    this.nv.drawScene();
  }

  /** Move what a plane shows from one point of the stage to another. */
  pan([x, y], [toX, toY]) {
    const dpr = this.nv.uiData.dpr ?? 1;
    const [from, to] = [this.nv.screenXY2mm(x * dpr, y * dpr), this.nv.screenXY2mm(toX * dpr, toY * dpr)];
    if (from[3] < 0 || from[3] !== to[3]) return;
    const { scene } = this.nv;
    scene.pan2Dxyzmm = [0, 1, 2].map((axis) => scene.pan2Dxyzmm[axis] + to[axis] - from[axis]).concat(scene.pan2Dxyzmm[3]);
    this.nv.drawScene();
  }

  /** The whole of each plane, the crosshair in its middle. */
  reset() {
    this.nv.scene.pan2Dxyzmm = [0, 0, 0, 1];
    this.nv.scene.crosshairPos = this.nv.vox2frac(this.sizes.map((one) => Math.floor(one / 2)));
    if (this.is3d) this.face();
    else this.nv.drawScene();
  }

  /** The graphics card is free again. */
  end() {
    this.ended = true;
    cancelAnimationFrame(this.waiting);
    this.onDrawn = () => {};
    this.clear();
    this.nv?.cleanup();
    this.nv?.gl?.getExtension("WEBGL_lose_context")?.loseContext();
    this.nv = null;
  }
}
