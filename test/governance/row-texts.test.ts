import type { Enforcement } from '../../src/governance/enforcement';
import { fixed, membersWriter, RowRun } from '../../src/governance/row-fields';
import { RowTexts } from '../../src/governance/row-source';
import type { Coordinate } from '../../src/governance/schema-policy';

class Kept extends RowTexts {
  readonly #texts = new Map<object, string>();
  textOf(shape: object): string | undefined {
    return this.#texts.get(shape);
  }
  keep(shape: object, text: string): void {
    this.#texts.set(shape, text);
  }
}

test('a text is kept with its row, and given while the row refuses nothing in it', () => {
  let refusal: string | undefined;
  let made = 0;
  const coordinate = {} as Coordinate;
  const write = membersWriter([
    {
      prefix: '"name":',
      asked: [{ coordinate, slot: 0 }],
      write: (_row, run) => (run.refusal(coordinate, 0) === undefined ? `"${++made}"` : 'null'),
    },
    fixed('', '}'),
  ]);
  const written = (row: readonly unknown[]): string => {
    const run = new RowRun({ rowRefusal: () => refusal } as unknown as Enforcement);
    run.at(row, undefined, 0);
    return write(row, run);
  };
  const row = ['cell', new Kept()];
  for (let time = 0; time < 2; time++) expect(written(row)).toBe('"name":"1"}');
  refusal = 'OBJECTION';
  expect(written(row)).toBe('"name":null}');
  refusal = undefined;
  expect(written(row)).toBe('"name":"1"}');
  expect(written(['cell', new Kept()])).toBe('"name":"2"}');
  for (const own of ['"name":"3"}', '"name":"4"}']) expect(written(['cell'])).toBe(own);
});
