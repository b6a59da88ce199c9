/** One element of DER (X.690): its tag, its content, and all its bytes. */
export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

export const tags = {
  integer: 0x02,
  octetString: 0x04,
  oid: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** [0] and its like, constructed. */
  context: (number: number) => 0xa0 | number,
} as const;

/** The elements side by side in these bytes. @throws {Error} where they are no DER */
export function elementsOf(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length; at += elements.at(-1)?.whole.length ?? 0) elements.push(elementAt(bytes, at));
  return elements;
}

/** The only element that these bytes are. @throws {Error} where they are another, or more */
export function elementOf(bytes: Buffer, tag: number): Element {
  const element = elementAt(bytes, 0);
  if (element.tag !== tag || element.whole.length !== bytes.length) throw notDer();
  return element;
}

/** What is in an element that must be of this kind. @throws {Error} */
export function contentOf(element: Element | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw notDer();
  return element.content;
}

/** The elements in an element that must be of this kind. @throws {Error} */
export const partsOf = (element: Element | undefined, tag: number): Element[] => elementsOf(contentOf(element, tag));

/** An object identifier in dots. @throws {Error} */
export function oidOf(element: Element | undefined): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of contentOf(element, tags.oid)) {
    number = number * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}

/** An element of at most 127 bytes, written. */
export function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length > 127) throw new RangeError('longer than is ever written');
  return Buffer.concat([Buffer.of(tag, content.length), content]);
}

function elementAt(bytes: Buffer, at: number): Element {
  const [tag, short] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || short === undefined || (tag & 0x1f) === 0x1f) throw notDer();
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
  const start = at + 2 + lengthBytes;
  // 0x80 is a length that only BER leaves open.
  if (short === 0x80 || lengthBytes > 4 || start > bytes.length) throw notDer();
  const end = start + (lengthBytes === 0 ? short : bytes.readUIntBE(at + 2, lengthBytes));
  if (end > bytes.length) throw notDer();
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
}

const notDer = () => new Error('it is not written as its standard says');
