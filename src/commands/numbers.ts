import { InvalidArgumentError } from 'commander';

/** Reads an option's number, from 1. */
export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Write a whole number from 1.');
  return Number(text);
}
