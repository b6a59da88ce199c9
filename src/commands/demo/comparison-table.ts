import { styleText } from 'node:util';
import Table from 'cli-table3';
import type { Answer, Cell, Comparison } from './comparison';

/** The longest line, so that it fits a usual terminal. */
const WIDTH = 120;
const LABEL_WIDTH = 14;
const PADDING = 1;

type Style = 'green' | 'yellow' | 'red' | 'bold' | 'dim';

/** One row per field and one column per caller. A sign or a word always says what the colour says. */
export function comparisonTable({ fields }: Comparison, answers: readonly Answer[], colours: boolean): string {
  const paint = (style: Style, text: string) => (colours ? styleText(style, text) : text);
  const columnWidth = Math.floor((WIDTH - 1 - (LABEL_WIDTH + 1)) / answers.length) - 1;
  const room = columnWidth - PADDING;
  const table = new Table({
    colWidths: [LABEL_WIDTH, ...answers.map(() => columnWidth)],
    style: { head: [], border: [], 'padding-left': PADDING, 'padding-right': 0 },
  });
  table.push([
    '',
    ...answers.map(({ caller: { title, at, purpose } }) =>
      [paint('bold', title), ...broken(at, room), ...broken(purpose, room).map((line) => paint('dim', line))].join(
        '\n',
      ),
    ),
  ]);
  for (const [index, { label }] of fields.entries()) {
    const cells = answers.flatMap(({ refusal, cells }) => {
      if (!refusal) return cellText(cells[index], room, paint);
      // One cell for the whole column: the whole operation was refused.
      return index === 0 ? { content: refusalText(refusal.code, room, paint), rowSpan: fields.length } : [];
    });
    table.push([label, ...cells]);
  }
  return table.toString();
}

type Paint = (style: Style, text: string) => string;

function cellText(cell: Cell | undefined, room: number, paint: Paint): string {
  if (!cell) return '';
  if (cell.outcome === 'WITHHELD') return painted('red', ['withheld:', ...broken(cell.code, room)], paint);
  if (cell.outcome === 'DEIDENTIFIED') return paint('yellow', clipped(`≈ ${shown(cell.value)}`, room));
  return paint('green', clipped(shown(cell.value), room));
}

function refusalText(code: string, room: number, paint: Paint): string {
  if (code === 'GRAPHQL_VALIDATION_FAILED') return painted('red', ['not in its', 'contract:', 'unknown fields'], paint);
  return painted('red', ['refused as a', 'whole:', ...broken(code, room)], paint);
}

const painted = (style: Style, lines: readonly string[], paint: Paint): string =>
  lines.map((line) => paint(style, line)).join('\n');

function shown(value: unknown): string {
  if (value === null || value === undefined) return '—';
  const text = String(value);
  return /^\d{4}-\d{2}-\d{2}T/.test(text) ? text.slice(0, 10) : text;
}

const clipped = (text: string, room: number): string => (text.length > room ? `${text.slice(0, room - 1)}…` : text);

/** Splits a name after underscores and hyphens into lines of at most `room` characters. */
function broken(name: string, room: number): string[] {
  const lines = [''];
  for (const part of name.split(/(?<=[_-])/)) {
    const last = lines.length - 1;
    if ((lines[last] ?? '').length + part.length <= room) lines[last] += part;
    else lines.push(part);
  }
  return lines.filter((line) => line !== '');
}

/** Short sentences with the reasons, made from the answers. */
export function reasonsText(answers: readonly Answer[]): string {
  return answers.flatMap(sentences).join('\n');
}

function sentences({ caller, refusal, reasons, deidentified }: Answer): string[] {
  const who = `${caller.title} (${caller.at}), for ${caller.purpose}:`;
  if (refusal?.code === 'GRAPHQL_VALIDATION_FAILED') return [`${who} its contract has no such fields.`];
  if (refusal) return [`${who} everything is refused.`, ...item(`${refusal.code}, by ${refusal.rule}.`)];
  if (reasons.length === 0 && deidentified.length === 0) return [`${who} all in the clear.`];
  return [
    who,
    ...(deidentified.length > 0 ? item(`De-identified: ${deidentified.join(', ')}.`) : []),
    ...reasons.flatMap(({ code, rule, coordinates }) => item(`${code}: ${coordinates.join(', ')}, by ${rule}.`)),
  ];
}

/** A list item, wrapped to the width. */
function item(text: string): string[] {
  const lines = ['  -'];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    if (`${lines[last]} ${word}`.length <= WIDTH) lines[last] += ` ${word}`;
    else lines.push(`    ${word}`);
  }
  return lines;
}
