import { Command } from 'commander';
import { EnvironmentError, readConfig } from '../config';
import { counted } from './counted';
import { type CheckedFinding, examine } from './doctor/examination';
import type { Verdict } from './doctor/finding';
import { exitTwoOnUsageError } from './usage-errors';

const MARKS: Readonly<Record<Verdict, string>> = { ok: '✓', attention: '!', fault: '✗' };

/** `remit doctor`: what is wrong with an installation, in words. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description(
      'Look at an installation and say what is wrong and what to do: settings, stores, engine, migrations, clocks, ' +
        'issuer, disk, keys, backups, ledger, erasures, webhooks, law. It changes nothing, and tells no secret and ' +
        'nothing about a person.',
    )
    .option('--json', 'print {"findings": [{"check", "verdict", "says", "remedy"}]}')
    .addHelpText(
      'after',
      '\nA verdict is ok, attention (it works, look at it) or fault. Exit code 1 when there is a fault.\n\n' +
        'Example:\n  $ remit doctor',
    )
    .action(async ({ json }: { json?: true }) => {
      const findings = await examined();
      const text = json ? `${JSON.stringify({ findings })}\n` : report(findings);
      const code = findings.some(({ verdict }) => verdict === 'fault') ? 1 : 0;
      // A connection that does not answer would keep this process alive.
      process.stdout.write(text, () => process.exit(code));
    });
  return exitTwoOnUsageError(command);
}

async function examined(): Promise<CheckedFinding[]> {
  try {
    return await examine(readConfig(process.env));
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    const remedy = 'correct it; nothing else can be looked at before';
    return error.faults.map(({ message }) => ({ check: 'settings', verdict: 'fault', says: message, remedy }));
  }
}

function report(findings: readonly CheckedFinding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, verdict, says, remedy }, index) => {
    const name = findings[index - 1]?.check === check ? '' : check;
    const line = `${MARKS[verdict]} ${name.padEnd(width)}  ${says}`;
    return remedy === undefined ? [line] : [line, `  ${' '.repeat(width)}  → ${remedy}`];
  });
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  const attentions = count('attention');
  const sum = `${counted(count('fault'), 'fault')}, ${attentions} to look at, ${count('ok')} well.`;
  return `${lines.join('\n')}\n\n${sum}\n`;
}
