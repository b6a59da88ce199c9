#!/usr/bin/env bash
# Folding accents by dropping combining marks (\p{M} after NFD) makes two countries one in Hindi, Marathi and Malayalam:
# in Indic scripts a vowel is a mark, so Togo and Tonga keep the same two consonants (names of i18n-iso-countries).
# Whoever reads a country's name as people wrote it, to find the law that covers them, must not fold so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund i18n-iso-countries@7.14.0
cat >look.cjs <<'JS'
const countries = require('i18n-iso-countries');
const fold = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
const met = {};
for (const language of countries.getSupportedLanguages()) {
  countries.registerLocale(require(`i18n-iso-countries/langs/${language}.json`));
  const names = countries.getNames(language);
  if (!names.TG || !names.TO || names.TG === names.TO) continue;
  if (fold(names.TG) === fold(names.TO)) met[language] = [names.TG, names.TO, fold(names.TG)];
}
console.log(`i18n-iso-countries ${require('i18n-iso-countries/package.json').version}`);
for (const [language, [togo, tonga, both]] of Object.entries(met)) console.log(`${language}: ${togo} and ${tonga} both fold to ${both}`);
if (!met.hi) { console.error('changed: in Hindi the two names are told apart'); process.exit(1); }
JS
node look.cjs
