/** What sample people write about. `{product}` stands for what they bought. */
export const topics = [
  {
    subject: 'Where is my order?',
    question: 'Hello, I ordered the {product} more than a week ago. Could you tell me where it is?',
    answer: 'It left our warehouse yesterday and should be with you within two days.',
  },
  {
    subject: 'Wrong size',
    question: 'The {product} does not fit. May I exchange it for a larger one?',
    answer: 'Of course. A return label is on its way; we send the other size as soon as it is scanned.',
  },
  {
    subject: 'Invoice needed',
    question: 'Please send me an invoice for the {product} with my company’s address on it.',
    answer: 'Attached. We have noted the address for your next orders as well.',
  },
  {
    subject: 'Damaged on arrival',
    question: 'The box was open and the {product} is scratched.',
    answer: 'We are sorry. Would you prefer a replacement or a refund?',
  },
  {
    subject: 'Please stop the newsletter',
    question: 'I never asked for your newsletter. Take me off the list, please.',
    answer: 'Done; you will not receive another one.',
  },
  {
    subject: 'Thank you',
    question: 'The {product} is even better than I hoped. Thank you!',
    answer: 'That made our day. Enjoy it!',
  },
] as const;

export const healthEntries = [
  { kind: 'ALLERGY', note: 'Reports a penicillin allergy since childhood.' },
  { kind: 'ALLERGY', note: 'Avoid nuts; carries an adrenaline pen.' },
  { kind: 'PRESCRIPTION', note: 'Ramipril 5 mg once daily, renewed for three months.' },
  { kind: 'PRESCRIPTION', note: 'Levothyroxine 75 µg in the morning.' },
  { kind: 'VACCINATION', note: 'Influenza vaccination given, no reaction.' },
  { kind: 'MEASUREMENT', note: 'Blood pressure 148/92 at rest, to be repeated.' },
] as const;

const qualities = ['Alpine', 'Harbour', 'Linden', 'Northern', 'Copper', 'Meadow', 'Atlas', 'Juniper'] as const;
const trades = ['Outfitters', 'Books', 'Coffee', 'Cycles', 'Pharmacy', 'Gardens', 'Audio', 'Optics'] as const;

/** The name of a sample client, unique for its number. */
export function clientName(number: number): string {
  const round = Math.floor(number / qualities.length);
  const quality = qualities[number % qualities.length];
  const trade = trades[(number * 3 + round) % trades.length];
  const series = Math.floor(number / (qualities.length * trades.length));
  return `${quality} ${trade}${series === 0 ? '' : ` ${series + 1}`}`;
}
