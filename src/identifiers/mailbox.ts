/** An address and nothing else, which nearly all of them are. */
const PLAIN = /^[\w.%+-]{1,64}@[\w.-]{1,255}$/;

/**
 * The addresses in a text, in the forms of address books: with names, quotes, comments and brackets, in lists, as
 * links. The text may come from anybody, so it is read in one pass.
 */
export function mailboxesIn(text: string): string[] {
  if (PLAIN.test(text)) return [text];
  return piecesOf(/^\s*mailto:/i.test(text) ? (text.split('?')[0] ?? '') : text)
    .flatMap(({ bracketed, bare }) => (bracketed === undefined ? addressesAmong(bare.trim()) : [bracketed.trim()]))
    .map(withoutLink)
    .filter((word) => word !== '');
}

/** Plain addresses, or one after a name. Other text with an @ is no address. */
function addressesAmong(bare: string): string[] {
  const words = bare.split(/\s+/);
  const withoutAt = words.filter((word) => !word.includes('@')).length;
  if (withoutAt === 0) return words;
  return withoutAt === words.length - 1 && words.at(-1)?.includes('@') ? words.slice(-1) : [bare];
}

interface Piece {
  /** The text in angle brackets: if present, it is the address. */
  bracketed?: string;
  /** The rest, without comments. */
  bare: string;
}

/** The members of a list. Separators in quotes, brackets and comments do not count. */
function piecesOf(text: string): Piece[] {
  let piece: Piece = { bare: '' };
  const pieces = [piece];
  let within: '"' | '<' | undefined;
  let comments = 0;
  let isEscaped = false;
  for (const sign of text) {
    if (isEscaped || sign === '\\') isEscaped = !isEscaped;
    else if (within !== '"' && sign === '(') comments++;
    else if (within !== '"' && sign === ')') comments = Math.max(0, comments - 1);
    else if (comments > 0) continue;
    else if (within === undefined && (sign === ',' || sign === ';')) {
      piece = { bare: '' };
      pieces.push(piece);
    } else if (within === undefined && sign === '<') {
      within = '<';
      piece.bracketed = '';
    } else if (within === '<') {
      if (sign === '>') within = undefined;
      else piece.bracketed += sign;
    } else {
      if (sign === '"') within = within === '"' ? undefined : '"';
      piece.bare += sign;
    }
  }
  return pieces;
}

/** The address of a `mailto:` link (RFC 6068). */
function withoutLink(text: string): string {
  if (!/^mailto:/i.test(text)) return text;
  const [address = ''] = text.slice('mailto:'.length).split('?');
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}
