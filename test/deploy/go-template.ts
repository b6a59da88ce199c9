import { stringify } from 'yaml';

/**
 * As much of Go's text/template and of Helm's functions as the chart uses. What it does not know is an error, so that a
 * template which needs more cannot pass by chance.
 */
type Value = unknown;
type Scope = { readonly dot: Value; readonly root: Value; readonly variables: ReadonlyMap<string, Value> };
type Block = { readonly kind: 'if' | 'with' | 'range'; readonly head: string; body: Node[]; otherwise: Node[] };
type Piece = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'print'; readonly text: string };
type Node = Piece | Block;

export class Templates {
  readonly #named = new Map<string, Node[]>();

  /** Reads the `define`s of a file, and gives what else is in it. */
  read(text: string): Node[] {
    const stack: Array<{ into: Node[]; block?: Block; name?: string }> = [{ into: [] }];
    for (const piece of pieces(text)) {
      const top = stack.at(-1) as (typeof stack)[number];
      if (piece.kind === 'text') {
        top.into.push(piece);
        continue;
      }
      const [word = '', rest = ''] = split(piece.text);
      if (word === 'if' || word === 'with' || word === 'range') {
        const block: Block = { kind: word, head: rest, body: [], otherwise: [] };
        top.into.push(block);
        stack.push({ into: block.body, block });
      } else if (word === 'define') stack.push({ into: [], name: JSON.parse(rest) });
      else if (word === 'else' && top.block && rest === '') top.into = top.block.otherwise;
      else if (word === 'end') {
        stack.pop();
        if (top.name !== undefined) this.#named.set(top.name, top.into);
      } else if (!word.startsWith('/*')) top.into.push(piece);
    }
    if (stack.length !== 1) throw new Error('a block has no end');
    return stack[0]?.into ?? [];
  }

  render(nodes: readonly Node[], data: Value): string {
    return this.#render(nodes, { dot: data, root: data, variables: new Map() });
  }

  #render(nodes: readonly Node[], scope: Scope): string {
    return nodes.map((node) => this.#one(node, scope)).join('');
  }

  #one(node: Node, scope: Scope): string {
    if (node.kind === 'text') return node.text;
    if (node.kind === 'print') return shown(this.#pipe(node.text, scope));
    if (node.kind === 'range') return this.#range(node, scope);
    const value = this.#pipe(node.head, scope);
    if (!isTrue(value)) return this.#render(node.otherwise, scope);
    return this.#render(node.body, node.kind === 'with' ? { ...scope, dot: value } : scope);
  }

  /** Maps in the order of their keys, as Go does. */
  #range({ head, body, otherwise }: Block, scope: Scope): string {
    const [, key, item, list = head] = /^(\$\w+), (\$\w+) := (.*)$/.exec(head) ?? [];
    const over = this.#pipe(list, scope);
    const entries = Object.entries(Object(over));
    if (!Array.isArray(over)) entries.sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length === 0) return this.#render(otherwise, scope);
    return entries
      .map(([name, value]) => {
        const variables = new Map(scope.variables);
        if (key && item) variables.set(key, name).set(item, value);
        return this.#render(body, { ...scope, dot: value, variables });
      })
      .join('');
  }

  #pipe(text: string, scope: Scope): Value {
    let value: Value;
    for (const [index, command] of tokens(text, '|').entries()) {
      const [name = '', ...words] = tokens(command, ' ');
      const given = words.map((word) => this.#operand(word, scope));
      const more = index > 0 ? [value] : [];
      const isCall = given.length + more.length > 0 || name in functions;
      value = isCall ? this.#call(name, [...given, ...more], scope) : this.#operand(name, scope);
    }
    return value;
  }

  #call(name: string, words: readonly Value[], scope: Scope): Value {
    if (name === 'include') return this.#render(this.#find(String(words[0])), { ...scope, dot: words[1] });
    if (name === '.Files.Get')
      return (scope.root as { Files: { Get(path: string): string } }).Files.Get(String(words[0]));
    const known = functions[name];
    if (!known) throw new Error(`${name} is no function that is known here`);
    return known(...words);
  }

  #find(name: string): Node[] {
    const found = this.#named.get(name);
    if (!found) throw new Error(`there is no template ${name}`);
    return found;
  }

  #operand(word: string, scope: Scope): Value {
    if (word.startsWith('(')) return this.#pipe(word.slice(1, -1), scope);
    if (/^"/.test(word)) return JSON.parse(word);
    if (/^-?\d+$/.test(word)) return Number(word);
    const [, variable, path] = /^(\$\w*)?((?:\.\w+)*|\.)$/.exec(word) ?? [];
    if (path === undefined) throw new Error(`${word} is nothing that is known here`);
    const start = variable === undefined ? scope.dot : variable === '$' ? scope.root : scope.variables.get(variable);
    return path
      .split('.')
      .filter(Boolean)
      .reduce<Value>((value, name) => Object(value)[name], start);
  }
}

/** Texts and actions, with the white space taken away that `{{-` and `-}}` take. */
function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let isTrimmed = false;
  for (const part of text.split(/(\{\{-?[\s\S]*?-?\}\})/)) {
    const [, left, action, right] = /^\{\{(-?)\s*([\s\S]*?)\s*(-?)\}\}$/.exec(part) ?? [];
    if (action === undefined) found.push({ kind: 'text', text: isTrimmed ? part.trimStart() : part });
    else {
      const before = found.pop();
      if (before)
        found.push(left === '-' && before.kind === 'text' ? { ...before, text: before.text.trimEnd() } : before);
      found.push({ kind: 'print', text: action });
    }
    isTrimmed = right === '-';
  }
  return found;
}

function split(action: string): [string, string] {
  const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(action) ?? [];
  return [word, rest];
}

/** The parts of a text between separators that are in no quotes and in no brackets. */
function tokens(text: string, separator: string): string[] {
  const found = [''];
  let [depth, isQuoted] = [0, false];
  for (const char of text) {
    if (char === '"') isQuoted = !isQuoted;
    else if (!isQuoted && char === '(') depth++;
    else if (!isQuoted && char === ')') depth--;
    if (char === separator && !isQuoted && depth === 0) found.push('');
    else found.push(`${found.pop()}${char}`);
  }
  return found.map((each) => each.trim()).filter((each) => each !== '');
}

const isTrue = (value: Value) =>
  Array.isArray(value) || (typeof value === 'object' && value !== null)
    ? Object.keys(value).length > 0
    : Boolean(value);

const shown = (value: Value) => (value === undefined || value === null ? '' : String(value));
const indented = (by: Value, text: Value) => String(text).replace(/^/gm, ' '.repeat(Number(by)));

const functions: Readonly<Record<string, (...words: Value[]) => Value>> = {
  contains: (part, text) => String(text).includes(String(part)),
  default: (fallback, value) => (isTrue(value) ? value : fallback),
  nindent: (by, text) => `\n${indented(by, text)}`,
  not: (value) => !isTrue(value),
  printf: (format, ...words) => words.reduce<string>((text, word) => text.replace('%s', String(word)), String(format)),
  quote: (text) => JSON.stringify(shown(text)),
  replace: (from, to, text) => String(text).replaceAll(String(from), String(to)),
  toYaml: (value) => stringify(value, { lineWidth: 0 }).trimEnd(),
  trimSuffix: (end, text) => (String(text).endsWith(String(end)) ? String(text).slice(0, -String(end).length) : text),
  trunc: (length, text) => String(text).slice(0, Number(length)),
};
