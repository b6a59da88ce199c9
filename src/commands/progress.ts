import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** @param done how much of `total` is done, in any unit */
  update(done: number, total: number): void;
  stop(): void;
}

const silent: Progress = { update: () => undefined, stop: () => undefined };

/** A progress bar on standard error, if that is a terminal. */
export function progressBar(label: string): Progress {
  if (!process.stderr.isTTY) return silent;
  const bar = new SingleBar(
    { format: `${label} {bar} {percentage} % · {eta_formatted} left`, stream: process.stderr, clearOnComplete: true },
    Presets.shades_classic,
  );
  let isStarted = false;
  return {
    update: (done, total) => {
      if (!isStarted) bar.start(total, 0);
      isStarted = true;
      bar.setTotal(total);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}
