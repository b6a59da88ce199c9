import { readText } from '../../../src/subjects/values/text';

const text = (value: string, ...also: string[]) => {
  const read = readText(value, { limit: 20, nothing: also });
  return 'value' in read ? read.value : 'nothing' in read ? 'nothing' : read.reason;
};

it('reads text as spreadsheets keep it from being a number', () => {
  const shapes = {
    '="0123"': '0123',
    "'0123": '0123',
    "'=1+1": '=1+1',
    "'+44 20": '+44 20',
    "'t Hooft": "'t Hooft",
    '="say ""hi"""': 'say "hi"',
    '\u00a0Ada\u00a0Lovelace ': 'Ada Lovelace',
    '\u202a+44 20\u202c': '+44 20',
    Null: 'Null',
    None: 'None',
    '0': '0',
  };
  expect(Object.fromEntries(Object.keys(shapes).map((value) => [value, text(value)]))).toEqual(shapes);
});

it('reads the spellings of nothing that no text is, and those that the mapping names', () => {
  for (const value of ['', '  ', 'N/A', 'n/a', '#N/A', '-', '—', '\\N', '#REF!', '="N/A"']) {
    expect([value, text(value)]).toEqual([value, 'nothing']);
  }
  for (const value of ['NULL', 'null', 'None'])
    expect([value, text(value, 'null', 'none')]).toEqual([value, 'nothing']);
});

it('refuses what is too long', () => {
  expect(text('x'.repeat(21))).toBe('is longer than 20 characters');
});
