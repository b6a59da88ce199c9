import { readEmail } from '../../../src/subjects/values/email';

const email = (text: string) => {
  const read = readEmail(text);
  return 'value' in read ? read.value : 'nothing' in read ? 'nothing' : read.reason;
};

it('reads the shapes that address books write', () => {
  const shapes = {
    'ada@example.org': 'ada@example.org',
    'Ada <ada@example.org>': 'ada@example.org',
    '"Lovelace, Ada" <ada@example.org>': 'ada@example.org',
    "'Ada' <ada@example.org>": 'ada@example.org',
    'Ada Lovelace ada@example.org': 'ada@example.org',
    '<ada@example.org>': 'ada@example.org',
    'mailto:ada@example.org?subject=Hello,%20you': 'ada@example.org',
    'MAILTO:ada%2Bnews@example.org': 'ada+news@example.org',
    '<mailto:ada@example.org>': 'ada@example.org',
    'ada@example.org,': 'ada@example.org',
    'ada@example.org; ': 'ada@example.org',
    ' \u00a0ada@example.org\u200b': 'ada@example.org',
    'ada@example.org (Ada, at work)': 'ada@example.org',
    'ada@example.org, Ada <ADA@Example.org>': 'ADA@Example.org',
    '="ada@example.org"': 'ada@example.org',
    'bob@münchen.example': 'bob@münchen.example',
    'bob@xn--mnchen-3ya.example': 'bob@xn--mnchen-3ya.example',
    "o'hara@example.org": "o'hara@example.org",
    'ada@localhost': 'ada@localhost',
    'Ada.Lovelace+shop@mail.example.co.uk': 'Ada.Lovelace+shop@mail.example.co.uk',
    'ada.@example.org': 'ada.@example.org',
  };
  expect(Object.fromEntries(Object.keys(shapes).map((text) => [text, email(text)]))).toEqual(shapes);
});

it('refuses what is no address or several, and repeats nothing of it', () => {
  for (const text of ['ada@example.org, bob@example.org', 'Ada <ada@example.org>; bob@example.org']) {
    expect([text, email(text)]).toEqual([text, expect.stringContaining('several')]);
  }
  const others = [
    'ada',
    'ada@',
    '@example.org',
    'ada@-x.org',
    'ada..b@example.org',
    'a b@c d',
    'ada@exa mple.org',
    '<>',
  ];
  for (const text of [...others, 'ada@[127.0.0.1]', `${'x'.repeat(65)}@example.org`, '('.repeat(100_000)]) {
    const read = readEmail(text);
    expect([text.slice(0, 40), read]).toEqual([
      text.slice(0, 40),
      { reason: expect.stringContaining('not an e-mail') },
    ]);
  }
});

it('reads the spellings of nothing', () => {
  for (const text of ['', ' ', 'NULL', 'N/A', '-', '#N/A', 'none'])
    expect([text, email(text)]).toEqual([text, 'nothing']);
});
