import fc from 'fast-check';
import { readAmount } from '../../../src/subjects/values/amount';

const amount = (text: string | number, decimal?: '.' | ',') => {
  const read = readAmount(text, decimal ? { decimal } : {});
  return 'value' in read ? read.value : 'nothing' in read ? 'nothing' : read.reason;
};

const table = (cases: ReadonlyArray<readonly [string | number, number]>) =>
  expect(cases.map(([text]) => [text, amount(text)])).toEqual(cases.map(([text, value]) => [text, value]));

it('case amounts: what a program’s arithmetic left behind the decimals is taken away', () => {
  table([
    [0.30000000000000004, 0.3],
    ['0.30000000000000004', 0.3],
    ['3.3000000000000003', 3.3],
    ['7.000000000000001', 7],
    ['19.989999771118164', 19.99],
    ['1000', 1000],
    [5, 5],
    ['-3.5', -3.5],
    ['123456789.12', 123_456_789.12],
  ]);
  expect(amount('1e-7')).toContain('decimal places');
  expect(amount(1e-7)).toContain('decimal places');
  expect(amount('1e+21')).toContain('too large');
  expect(amount('0.12345')).toContain('decimal places');
  expect(amount('0.30000000000104')).toContain('decimal places');
});

it('reads exponents, separators of thousands, signs and currencies where they mean one amount', () => {
  table([
    ['1.5E+3', 1500],
    ['1,234.56', 1234.56],
    ['1.234,56', 1234.56],
    ['1,234,567', 1_234_567],
    ['1.234.567', 1_234_567],
    ['1.234.567,8', 1_234_567.8],
    ['1 234,50', 1234.5],
    ['1\u202f234,50', 1234.5],
    ["1'234.50", 1234.5],
    ['12,34,567.80', 1_234_567.8],
    ['1,5', 1.5],
    ['0,234', 0.234],
    ['1234.567', 1234.567],
    ['1.2345', 1.2345],
    ['.5', 0.5],
    ['€ 19,99', 19.99],
    ['19.99 EUR', 19.99],
    ['US$5', 5],
    ['-$5.00', -5],
    ['(5.00)', -5],
    ['5.00-', -5],
    ['−5', -5],
    ['5,-', 5],
    ['100 kr', 100],
    ['-0', 0],
  ]);
});

it('never guesses: what may be thousands or decimals is refused until the file says which', () => {
  for (const text of ['1,234', '1.234', '12.500', '$1,234']) {
    expect([text, amount(text)]).toEqual([text, expect.stringContaining('separator')]);
  }
  expect(amount(1.234)).toBe(1.234);
  expect(amount('1,234', '.')).toBe(1234);
  expect(amount('1,234', ',')).toBe(1.234);
  expect(amount('1.234', ',')).toBe(1234);
  expect(amount('12.5', ',')).toContain('not a number');
});

it('refuses what is no amount, and repeats nothing of it', () => {
  const others = [
    '1,23.456',
    '12 34',
    '1,2345,678',
    '5 pcs',
    '5%',
    '--5',
    '(-5)',
    '0x10',
    '1-2',
    '1/2',
    'Infinity',
    'five',
  ];
  for (const text of [...others, '1'.repeat(5_000), '1e999', '5 EUR USD']) {
    const read = readAmount(text);
    expect([text, read]).toEqual([text, { reason: expect.any(String) }]);
  }
  expect(amount(Number.NaN)).toContain('not a number');
  for (const text of ['', 'NULL', 'n/a', '-', '#N/A']) expect([text, amount(text)]).toEqual([text, 'nothing']);
});

it('reads every amount that it can keep as it was written', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), (units) => {
      const value = units / 10_000;
      expect(amount(value)).toBe(value === 0 ? 0 : value);
      const grouped = value.toLocaleString('en', { minimumFractionDigits: 4 });
      expect(amount(grouped)).toBe(value === 0 ? 0 : value);
    }),
  );
});
