/** Loaded before a server that is measured: it collects its garbage when it is told to, so that memory is what is kept. */
process.on('SIGUSR2', () => (globalThis as { gc?: () => void }).gc?.());
