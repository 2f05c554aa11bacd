import { element, svgElement } from '../dom/element.js';
import { KeyedChildren } from '../dom/keyed-children.js';
import type { SpaceCell, SpacePicture, SpaceStrip } from './plan-space.js';

const STRIP_WIDTH = 1_024;
const STRIP_HEIGHT = 28;
/** A cell with anything in it is filled at least so high, or a lone block of a /8 could not be seen. */
const MIN_FILL = 0.18;

/** The pictures of the address spaces. */
export class SpaceView {
  readonly #figures: KeyedChildren;

  /** @param place belongs to this object from now on. */
  constructor(place: HTMLElement) {
    this.#figures = new KeyedChildren(place);
  }

  /** Shows the pictures. */
  render(pictures: readonly SpacePicture[]): void {
    this.#figures.apply(
      pictures.map((picture) => ({
        key: `${picture.network} ${picture.subnet}`,
        look: JSON.stringify({ ...picture, total: String(picture.total) }),
        build: () => figureOf(picture),
      })),
    );
  }
}

function figureOf(picture: SpacePicture): HTMLElement {
  const { network, subnet, taken, total, blockLength, strips } = picture;
  const counts = `${taken.toLocaleString('en')} of ${total.toLocaleString('en')} /${blockLength} blocks taken`;
  const caption = element(
    'figcaption',
    {},
    element('strong', {}, network),
    ' ',
    element('span', { class: 'address' }, subnet),
    element('span', { class: 'counts' }, counts),
  );
  return element('figure', {}, caption, ...strips.flatMap((strip, index) => stripOf(strip, index, counts)));
}

function stripOf(strip: SpaceStrip, index: number, counts: string): readonly Element[] {
  const { cells, range } = strip;
  const width = STRIP_WIDTH / cells.length;
  const picture = svgElement(
    'svg',
    {
      viewBox: `0 0 ${STRIP_WIDTH} ${STRIP_HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `${range}: ${counts}`,
    },
    ...cells.flatMap((cell, position) => cellOf(cell, position * width, width)),
  );
  if (index === 0) return [picture];
  return [
    element('p', { class: 'faint' }, 'enlarged: ', element('span', { class: 'address' }, range)),
    picture,
  ];
}

function cellOf({ taken, failed }: SpaceCell, x: number, width: number): readonly SVGRectElement[] {
  const gap = Math.min(1.5, width / 4);
  const rect = (kind: string, height: number) =>
    svgElement('rect', {
      class: kind,
      x: String(x + gap / 2),
      y: String(STRIP_HEIGHT - height),
      width: String(width - gap),
      height: String(height),
    });
  const free = rect('free', STRIP_HEIGHT);
  if (taken === 0) return [free];
  return [free, rect(failed ? 'taken failed' : 'taken', STRIP_HEIGHT * Math.max(MIN_FILL, taken))];
}
