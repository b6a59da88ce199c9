export interface Sheet {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
}

/** A report as data; every format says the same. */
export interface Report {
  readonly title: string;
  /** The legal basis that it answers: an article, a section. */
  readonly basis: string;
  readonly generatedAt: Date;
  readonly facts: ReadonlyArray<readonly [name: string, value: string]>;
  readonly sheets: readonly Sheet[];
}

export const reportFormats = ['json', 'csv', 'html'] as const;
export type ReportFormat = (typeof reportFormats)[number];

export function write(report: Report, format: ReportFormat): string {
  switch (format) {
    case 'json':
      return json(report);
    case 'csv':
      return csv(report);
    case 'html':
      return html(report);
  }
}

/** Rows as objects, keyed by column. */
function json({ title, basis, generatedAt, facts, sheets }: Report): string {
  const rowsOf = ({ columns, rows }: Sheet) =>
    rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? ''])));
  const content = {
    title,
    basis,
    generatedAt: generatedAt.toISOString(),
    facts: Object.fromEntries(facts),
    sheets: Object.fromEntries(sheets.map((sheet) => [sheet.title, rowsOf(sheet)])),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** RFC 4180: one table after the other, each below its title. */
function csv({ title, basis, generatedAt, facts, sheets }: Report): string {
  const lines: Array<readonly string[]> = [[title], [basis], [generatedAt.toISOString()], ...facts];
  for (const sheet of sheets) lines.push([], [sheet.title], sheet.columns, ...sheet.rows);
  return lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

/**
 * Spreadsheets run a cell that begins like a formula; a quote makes it text. The same goes for text after a semicolon
 * or a tab, where some spreadsheets split, and for full-width signs, which some read as plain ones.
 */
function csvCell(text: string): string {
  const inert = text.replace(/(^|[;\t\r\n])(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g, "$1'").replace(/^(?=[\t\r])/, "'");
  return /[",;\t\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

function html({ title, basis, generatedAt, facts, sheets }: Report): string {
  const row = (cells: readonly string[], tag: 'td' | 'th') =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const tables = sheets.map(
    ({ title: heading, columns, rows }) =>
      `<h2>${escaped(heading)}</h2>\n` +
      (rows.length === 0
        ? '<p>None.</p>'
        : `<table><thead>${row(columns, 'th')}</thead>` +
          `<tbody>\n${rows.map((cells) => row(cells, 'td')).join('\n')}\n</tbody></table>`),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p>${escaped(basis)}. Generated ${generatedAt.toISOString()}.</p>
<dl>${facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>
${tables.join('\n')}
</body>
</html>
`;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');

const style = `
body { font: 11pt/1.4 system-ui, sans-serif; margin: 2cm; color: #111; }
h1 { font-size: 16pt; } h2 { font-size: 12pt; margin-top: 1.5em; break-after: avoid; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em; } dt { font-weight: 600; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; } tr { break-inside: avoid; }
th, td { border: 1px solid #999; padding: .3em .5em; text-align: left; vertical-align: top; }
thead { display: table-header-group; }
@page {
  margin: 1.5cm;
  @bottom-right { content: counter(page) ' / ' counter(pages); font: 9pt system-ui, sans-serif; }
}`;
