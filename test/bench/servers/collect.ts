/** Loaded before a server that is measured. It collects garbage when told to, so that memory is what is kept. */
process.on('SIGUSR2', () => (globalThis as { gc?: () => void }).gc?.());
